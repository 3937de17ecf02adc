package keys

import "context"

func readOpenSSH(ctx context.Context, der []byte, ref Ref) (any, error) { return nil, isSSH2() }
func readCosign(ctx context.Context, der []byte, ref Ref) (any, error)  { return nil, isSSH2() }
func openPBES2(ctx context.Context, der []byte, ref Ref) ([]byte, error) {
	return nil, isEncrypted("an encrypted pkcs#8 key")
}
