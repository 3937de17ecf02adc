package vaulttest

import (
	"net/http"
	"strconv"
	"time"
)

type kvSecret struct{ versions []kvVersion }

type kvVersion struct {
	fields  map[string]any
	created time.Time
	deleted time.Time
	gone    bool // destroyed
}

// PutKV writes a version of the secret mount/path.
func (s *Server) PutKV(path string, fields map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets[path] == nil {
		s.secrets[path] = &kvSecret{}
	}
	s.secrets[path].versions = append(s.secrets[path].versions, kvVersion{fields: fields, created: s.Now()})
}

// DeleteKV deletes a version, counted from 1, as `vault kv delete` does.
func (s *Server) DeleteKV(path string, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[path].versions[version-1].deleted = s.Now()
}

func (v kvVersion) metadata() map[string]any {
	deleted := ""
	if !v.deleted.IsZero() {
		deleted = v.deleted.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{"created_time": v.created.UTC().Format(time.RFC3339Nano), "deletion_time": deleted, "destroyed": v.gone}
}

func (s *Server) readMetadata(w http.ResponseWriter, path string) {
	k := s.secrets[path]
	if k == nil {
		refuse(w, http.StatusNotFound, "")
		return
	}
	list := map[string]any{}
	for i, v := range k.versions {
		list[strconv.Itoa(i+1)] = v.metadata()
	}
	reply(w, map[string]any{"data": map[string]any{"current_version": len(k.versions), "versions": list}})
}

func (s *Server) readData(w http.ResponseWriter, path, version string) {
	k := s.secrets[path]
	n, err := strconv.Atoi(version)
	if k == nil || err != nil || n < 0 || n > len(k.versions) {
		refuse(w, http.StatusNotFound, "")
		return
	}
	if n == 0 {
		n = len(k.versions)
	}
	v := k.versions[n-1]
	meta := v.metadata()
	meta["version"] = n
	if !v.deleted.IsZero() || v.gone {
		w.WriteHeader(http.StatusNotFound)
		reply(w, map[string]any{"data": map[string]any{"data": nil, "metadata": meta}})
		return
	}
	reply(w, map[string]any{"data": map[string]any{"data": v.fields, "metadata": meta}})
}
