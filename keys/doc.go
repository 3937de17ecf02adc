// Package keys reads private keys, in every form in which they come, and
// signs with them. Private bytes live here and nowhere else.
//
// # The way of a key
//
//	Ref (text, password, key id)             key.go
//	  -> Parser.Resolve                      parser.go: limit, cache, one parse a text, gate
//	  -> read                                read.go: which form is it?
//	       JSON, PEM, DER, HMAC text         one reader a form, below
//	  -> newKey                              key_new.go: check the numbers, per type
//	  -> Key.Sign                            key_local.go: algorithm fits? gate, method.go
//
// Readers turn text into the private types of crypto/* and three of our own
// (rsaPSS, hmacSecret, the type of secp256k1); newKey is the only door from
// there to a Key, and it trusts no reader: it derives the public half again.
// Whatever is refused is refused by an [*fault.Error]: a sentinel that decides the
// code, what was found, and what to do, without a word of the text itself.
//
// # The files
//
//	key.go key_*.go source.go Key, Ref, Source, and the kinds of Key: local, of a crypto.Signer, of a key store, lent to a library
//	parser.go parser_cache.go gate.go
//	algorithm*.go kind.go check.go method.go errors.go
//	                          names, pairing of key and algorithm, the signing methods, the reasons of a refusal
//	rsa.go rsapss.go ec.go ec_curves.go secp256k1.go ed25519.go mldsa.go hmac.go
//	                          one type of key each: its checks, its algorithms, its method if golang-jwt has none
//
//	read.go                   tells the forms apart
//	json_members.go jwk.go jwk_*.go jwks.go serviceaccount.go
//	                          JSON forms; jwk_*.go has one type each
//	armour*.go pem.go certificates.go
//	                          PEM: repair (armour), blocks, the key among them and the chain beside it
//	der.go pkcs1.go sec1.go pkcs8.go pkcs8_*.go openssh.go
//	                          binary forms of a plain key
//	encrypted_*.go
//	                          forms behind a password; what a derivation costs is bounded before it runs
//	container*.go             JWE and PKCS#12, the command line's only
//	hmac_text.go              HMAC secrets given as text; refuses keys and certificates
//	diagnose*.go              what was given in place of a key, and which command helps
//
//	verifier.go read_verifier.go public.go
//	                          the public side
//	generate.go der_write.go jwk_write.go
//	                          new keys, and keys written down
//	expose.go exposure/        does a claim give a key away?
//
// The stores, such as keys/openssl, are packages below this one.
//
// # To add
//
// A type of key is one file beside rsa.go, a case in newKey, KindOf and
// methodOf, its JWK form in jwk_*.go, its object identifier in pkcs8.go, and a
// run of test/keyconformance. A form is one file, a case in read.go or
// pem.go, a row in the tests of repairs or mistakes, and a seed for a fuzz
// target. testdata/keys/make.sh makes the key files; testdata/rfc7520 has the
// published ones.
package keys
