package task

import (
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/signer"
)

// OutputMode says where in the output the token stands.
type OutputMode string

// The places. Orkes' Conductor masks _secrets; open-source Conductor stores
// both in clear.
const (
	OutputToken   OutputMode = "token"
	OutputSecrets OutputMode = "_secrets"
	OutputBoth    OutputMode = "both"
)

// The members of the output.
const (
	outToken        = "token"
	outSecrets      = "_secrets"
	outTokenType    = "tokenType"
	outTokenTypeJWT = "JWT"
	outAlgorithm    = "algorithm"
	outKeyID        = "keyId"
	outIssuedAt     = "issuedAt"
	outExpiresAt    = "expiresAt"
	outExpiresIn    = "expiresIn"
	outJWTID        = "jwtId"
	outTaskID       = "taskId"
	outWarnings     = "warnings"
	outError        = "error"
)

// output writes outputData of a completed task. Times are NumericDate seconds
// (RFC 7519 §2).
func output(mode OutputMode, d api.Task, c composed, token signer.Token, warnings []string) secret.JSON {
	var o jsonobj.Object
	if mode != OutputSecrets {
		o.String(outToken, token.Compact.Reveal())
	}
	if mode == OutputSecrets || mode == OutputBoth {
		var hidden jsonobj.Object
		hidden.String(outToken, token.Compact.Reveal())
		o.Set(outSecrets, hidden.AppendJSON(nil))
	}
	o.String(outTokenType, outTokenTypeJWT)
	o.String(outAlgorithm, string(token.Algorithm))
	if c.request.KeyID != "" {
		o.String(outKeyID, c.request.KeyID)
	}
	o.Int(outIssuedAt, c.issuedAt)
	if c.expires != 0 {
		o.Int(outExpiresAt, c.expires)
		o.Int(outExpiresIn, c.expires-c.now.Unix())
	}
	if c.jwtID != "" {
		o.String(outJWTID, c.jwtID)
	}
	if d.ID != "" {
		o.String(outTaskID, d.ID)
	}
	if len(warnings) > 0 {
		o.Strings(outWarnings, warnings)
	}
	return secret.NewJSON(o.AppendJSON(nil))
}

// failedOutput writes outputData of a task that did not complete, for a
// workflow to branch on.
func failedOutput(fault Fault) secret.JSON {
	var e, o jsonobj.Object
	e.String("code", fault.Code)
	e.String("field", fault.Field)
	e.String("message", fault.Message)
	o.Set(outError, e.AppendJSON(nil))
	return secret.NewJSON(o.AppendJSON(nil))
}
