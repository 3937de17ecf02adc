package conductor

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
)

// The settings that name files, as the errors about them say it.
const (
	settingCA      = "tls_ca_cert"
	settingCert    = "tls_client_cert"
	settingKey     = "tls_client_key"
	settingHeaders = "headers_file"
)

// unusable is an [ErrFile]. The text says what was found and, after a semicolon,
// what to do.
func unusable(setting, text string) error {
	found, hint, _ := strings.Cut(text, "; ")
	return &fault.Error{Reason: ErrFile, Field: setting, Found: found, Hint: hint}
}

// maxFile is the size limit of a file, in bytes.
const maxFile = 1 << 20

// readText reads a file of text without its byte order marks: a bundle that was
// joined from several files has one before each.
func readText(setting, file string) ([]byte, error) {
	text, err := readfile.Shared(file, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, unusable(setting, "there is no such file; correct the path")
	case errors.Is(err, fs.ErrPermission):
		return nil, unusable(setting, "the file may not be read by this user; change its owner or mode")
	case errors.Is(err, readfile.ErrTimeout):
		return nil, unusable(setting, "the file cannot be read in time; look at its disk")
	case err != nil:
		return nil, unusable(setting, "the file cannot be read; name a regular file")
	case len(text) > maxFile:
		return nil, unusable(setting, "the file is over 1 MiB; name the right one")
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, unusable(setting, "the file is UTF-16 text; save it as UTF-8")
	}
	text = bytes.ReplaceAll(text, []byte("\ufeff"), nil)
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, unusable(setting, "the file is empty")
	}
	return text, nil
}

// watched is a value that is read from files, and again when one of them changes.
type watched[T any] struct {
	name  string // of the files, for the log
	files []string
	read  func() (*T, error)
	log   *slog.Logger
	value atomic.Pointer[T]

	mu     sync.Mutex // held while the files are looked at
	stamps []stamp
}

func watch[T any](log *slog.Logger, name string, read func() (*T, error), files ...string) (*watched[T], error) {
	files = slices.DeleteFunc(files, func(file string) bool { return file == "" })
	w := &watched[T]{name: name, files: files, read: read, log: log, stamps: stampsOf(files)}
	value, err := read()
	if err != nil {
		return nil, err
	}
	w.value.Store(value)
	return w, nil
}

// current is the value to use now. Where changed files cannot be used, it is the
// previous one.
func (w *watched[T]) current() *T {
	if len(w.files) == 0 {
		return w.value.Load()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := stampsOf(w.files)
	if slices.EqualFunc(now, w.stamps, stamp.same) {
		return w.value.Load()
	}
	w.stamps = now // a file that is half-written now will change again
	next, err := w.read()
	if err != nil {
		w.log.Warn("changed files cannot be used; the previous content stays in use", "files", w.name, "error", err)
		return w.value.Load()
	}
	w.log.Info("changed files are in use", "files", w.name)
	w.value.Store(next)
	return next
}

// login is what an access token is asked for with.
type login struct {
	keyID    string
	password secret.Text
}

// watchLogin watches the files of the login, which were read before.
func watchLogin(o Options) *watched[login] {
	w := &watched[login]{name: "credentials", log: o.Logger, files: o.CredentialFiles, stamps: stampsOf(o.CredentialFiles), read: func() (*login, error) {
		keyID, password, err := o.ReadCredentials()
		return &login{keyID, password}, err
	}}
	w.value.Store(&login{o.KeyID, o.Secret})
	return w
}

// stamp is how a file looked when it was read.
type stamp struct{ info os.FileInfo }

func stampsOf(files []string) []stamp {
	var stamps []stamp
	for _, file := range files {
		info, err := readfile.Stat(file)
		if err != nil {
			info = nil
		}
		stamps = append(stamps, stamp{info})
	}
	return stamps
}

func (s stamp) same(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil
	}
	return os.SameFile(s.info, t.info) && s.info.Size() == t.info.Size() && s.info.ModTime().Equal(t.info.ModTime())
}
