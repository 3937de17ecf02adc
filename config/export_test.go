package config

func (s Setting) Bounds() string { return s.bounds() }
