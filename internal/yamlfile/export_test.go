package yamlfile

const (
	MaxBytes = maxBytes
	MaxDepth = maxDepth
)
