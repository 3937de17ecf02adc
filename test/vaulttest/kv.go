package vaulttest

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// maxVersions is how many versions of a secret the server keeps by default.
const maxVersions = 10

type kvSecret struct {
	versions []kvVersion
	custom   map[string]string
}

type kvVersion struct {
	fields    map[string]any
	created   time.Time
	deleted   time.Time
	destroyed bool
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

// UndeleteKV reverses DeleteKV.
func (s *Server) UndeleteKV(path string, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[path].versions[version-1].deleted = time.Time{}
}

// DestroyKV deletes a version forever.
func (s *Server) DestroyKV(path string, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[path].versions[version-1].destroyed = true
}

// AnnotateKV writes the custom metadata, without a new version.
func (s *Server) AnnotateKV(path string, custom map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[path].custom = custom
}

// EraseKV removes a secret. The next one of its name counts its versions from 1.
func (s *Server) EraseKV(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, path)
}

// oldest is the number of the first version that is still kept.
func (k *kvSecret) oldest() int { return max(1, len(k.versions)-maxVersions+1) }

func (v kvVersion) metadata() map[string]any {
	deleted := ""
	if !v.deleted.IsZero() {
		deleted = v.deleted.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{"created_time": v.created.UTC().Format(time.RFC3339Nano), "deletion_time": deleted, "destroyed": v.destroyed}
}

func (s *Server) readMetadata(w http.ResponseWriter, path string) {
	k := s.secrets[path]
	if k == nil {
		notFound(w)
		return
	}
	list := map[string]any{}
	for n := k.oldest(); n <= len(k.versions); n++ {
		list[strconv.Itoa(n)] = k.versions[n-1].metadata()
	}
	reply(w, map[string]any{"data": map[string]any{"current_version": len(k.versions), "custom_metadata": k.custom, "versions": list}})
}

func (s *Server) readData(w http.ResponseWriter, path, version string) {
	n, err := strconv.Atoi(cmp.Or(version, "0"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "Field validation failed")
		return
	}
	k := s.secrets[path]
	if k == nil {
		notFound(w)
		return
	}
	if n <= 0 {
		n = len(k.versions)
	}
	if n < k.oldest() || n > len(k.versions) {
		notFound(w)
		return
	}
	v := k.versions[n-1]
	meta := v.metadata()
	meta["version"] = n
	if !v.deleted.IsZero() || v.destroyed {
		w.WriteHeader(http.StatusNotFound)
		reply(w, map[string]any{"data": map[string]any{"data": nil, "metadata": meta}})
		return
	}
	reply(w, map[string]any{"data": map[string]any{"data": v.fields, "metadata": meta}})
}
