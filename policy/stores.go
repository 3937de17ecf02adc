package policy

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/yamlfile"
)

// The schemes of sources.
const (
	SchemeEnv          = "env"
	SchemeFile         = "file"
	SchemeDir          = "dir"
	SchemeConductor    = "conductor"
	SchemeVaultKV      = "vault-kv"
	SchemeVaultTransit = "vault-transit"
	SchemeGCPKMS       = "gcpkms"
	SchemeAWSKMS       = "awskms"
	SchemeAzureKMS     = "azurekms"
	SchemePKCS11       = "pkcs11"
)

// Schemes returns the schemes that a source may have.
func Schemes() []string {
	return []string{
		SchemeEnv, SchemeFile, SchemeDir, SchemeConductor, SchemeVaultKV, SchemeVaultTransit,
		SchemeGCPKMS, SchemeAWSKMS, SchemeAzureKMS, SchemePKCS11,
	}
}

// Stores are the connections to key stores. Each has a section of the file.
type Stores struct {
	Vault  Vault
	AWS    AWS
	Azure  Azure
	Google Google
}

// storeSections returns the readers of the sections of the key stores.
func (r *reader) storeSections(s *Stores) fields {
	return fields{
		"vault":  func(n ast.Node) { r.vault(n, &s.Vault) },
		"aws":    func(n ast.Node) { r.aws(n, &s.AWS) },
		"azure":  func(n ast.Node) { r.azure(n, &s.Azure) },
		"google": func(n ast.Node) { r.google(n, &s.Google) },
	}
}

// Vault is the connection to Vault or OpenBao.
type Vault struct {
	Address   string // https://vault:8200
	Namespace string
	CAFile    string // PEM
	Login     VaultLogin
}

// VaultLogin is one way to log in; exactly one of TokenFile, TokenEnv,
// Kubernetes.Role and AppRole.RoleID is set, or none.
type VaultLogin struct {
	TokenFile  string
	TokenEnv   string // name of an environment variable
	Kubernetes VaultKubernetes
	AppRole    VaultAppRole
}

// VaultKubernetes logs in with the pod's service account.
type VaultKubernetes struct {
	Role      string
	Mount     string // empty: kubernetes
	TokenFile string // empty: the path that Kubernetes uses
}

// VaultAppRole logs in with a role and a secret id.
type VaultAppRole struct {
	RoleID       string
	SecretIDFile string
	Mount        string // empty: approle
}

// AWS is the connection to AWS KMS. Empty fields come from the SDK's own chain.
type AWS struct{ Region, Endpoint, Profile string }

// Azure is the connection to Azure Key Vault. Empty fields come from the SDK's
// own chain.
type Azure struct{ TenantID, ClientID, TokenFile string }

// Google is the connection to Google Cloud KMS. Empty fields come from Google's
// default credentials.
type Google struct{ CredentialsFile, Endpoint string }

func (r *reader) vault(n ast.Node, v *Vault) {
	ok := r.object(n, "vault", fields{
		"address":   r.url(&v.Address),
		"namespace": r.text(&v.Namespace),
		"ca_file":   r.text(&v.CAFile),
		"login":     func(n ast.Node) { r.login(n, &v.Login) },
	})
	if ok && v.Address == "" {
		r.fault(n, "address is missing; write address: https://host:8200")
	}
}

func (r *reader) login(n ast.Node, l *VaultLogin) {
	ok := r.object(n, "login", fields{
		"token_file": r.text(&l.TokenFile),
		"token_env":  r.text(&l.TokenEnv),
		"kubernetes": func(n ast.Node) {
			if text, ok := yamlfile.Text(n); ok {
				l.Kubernetes.Role = text
				return
			}
			r.object(n, "kubernetes", fields{
				"role":       r.text(&l.Kubernetes.Role),
				"mount":      r.text(&l.Kubernetes.Mount),
				"token_file": r.text(&l.Kubernetes.TokenFile),
			})
		},
		"approle": func(n ast.Node) {
			r.object(n, "approle", fields{
				"role_id":        r.text(&l.AppRole.RoleID),
				"secret_id_file": r.text(&l.AppRole.SecretIDFile),
				"mount":          r.text(&l.AppRole.Mount),
			})
			if l.AppRole.RoleID == "" || l.AppRole.SecretIDFile == "" {
				r.fault(n, "role_id or secret_id_file is missing; write both")
			}
		},
	})
	ways := 0
	for _, way := range []string{l.TokenFile, l.TokenEnv, l.Kubernetes.Role, l.AppRole.RoleID} {
		if way != "" {
			ways++
		}
	}
	if ok && ways != 1 {
		r.fault(n, "there are %d ways to log in; write one of token_file, token_env, kubernetes, approle", ways)
	}
}

func (r *reader) aws(n ast.Node, a *AWS) {
	r.object(n, "aws", fields{"region": r.text(&a.Region), "endpoint": r.url(&a.Endpoint), "profile": r.text(&a.Profile)})
}

func (r *reader) azure(n ast.Node, a *Azure) {
	r.object(n, "azure", fields{"tenant_id": r.text(&a.TenantID), "client_id": r.text(&a.ClientID), "token_file": r.text(&a.TokenFile)})
}

func (r *reader) google(n ast.Node, g *Google) {
	r.object(n, "google", fields{"credentials_file": r.text(&g.CredentialsFile), "endpoint": r.url(&g.Endpoint)})
}

// url reads the address of a store, without a user name, query or fragment.
func (r *reader) url(place *string) func(ast.Node) {
	return func(n ast.Node) {
		r.text(place)(n)
		rest, ok := strings.CutPrefix(*place, "https://")
		if !ok {
			rest, ok = strings.CutPrefix(*place, "http://")
		}
		switch {
		case *place == "":
		case !ok || rest == "":
			r.fault(n, "this is not a URL; begin with https:// and a host")
		case strings.ContainsAny(rest, "@?#"):
			r.fault(n, "the URL has a user name, query or fragment; end it after the path")
		}
	}
}
