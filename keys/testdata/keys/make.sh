#!/bin/sh
# Makes the test keys of this folder with openssl and ssh-keygen. The keys are
# throw-away; the password of the encrypted ones is "password".
set -eu
cd "$(dirname "$0")"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pkcs8.pem
openssl rsa -in rsa.pkcs8.pem -traditional -out rsa.pkcs1.pem
openssl pkey -in rsa.pkcs8.pem -pubout -out rsa.public.pem
openssl rsa -in rsa.pkcs8.pem -RSAPublicKey_out -out rsa.public-pkcs1.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out rsapss.pkcs8.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha384 \
	-pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48 -out rsapss-sha384.pkcs8.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha1 -out rsapss-sha1.pkcs8.pem
openssl pkey -in rsapss-sha384.pkcs8.pem -pubout -out rsapss-sha384.public.pem
openssl genrsa -primes 3 -out rsa-3-primes.pkcs8.pem 2048
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa-1024.pkcs8.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2047 -out rsa-2047.pkcs8.pem
for c in p256:prime256v1 p384:secp384r1 p521:secp521r1 secp256k1:secp256k1 p224:secp224r1 brainpool:brainpoolP256r1; do
	n=${c%:*}
	openssl ecparam -name "${c#*:}" -genkey -out "$n.params-sec1.pem"
	openssl ec -in "$n.params-sec1.pem" -out "$n.sec1.pem"
	openssl pkcs8 -topk8 -nocrypt -in "$n.sec1.pem" -out "$n.pkcs8.pem"
	openssl pkey -in "$n.sec1.pem" -pubout -out "$n.public.pem"
done
openssl ec -in p256.sec1.pem -conv_form compressed -out p256.sec1-compressed.pem
openssl ec -in p256.sec1.pem -no_public -out p256.sec1-nopublic.pem
openssl ec -in p256.sec1.pem -param_enc explicit -out p256.sec1-explicit.pem
for a in ed25519 ed448 x25519 x448; do openssl genpkey -algorithm "$a" -out "$a.pkcs8.pem"; done
openssl pkey -in ed25519.pkcs8.pem -pubout -out ed25519.public.pem
openssl dsaparam -genkey 1024 | openssl dsa -out dsa.pem
openssl pkcs8 -topk8 -nocrypt -in dsa.pem -out dsa.pkcs8.pem
for t in rsa:2048 ecdsa:256 ecdsa:384 ecdsa:521 ed25519:256; do
	n="ssh-${t%:*}-${t#*:}"
	rm -f "$n.pem" "$n.pem.pub"
	ssh-keygen -q -t "${t%:*}" -b "${t#*:}" -N '' -C '' -f "$n.pem"
	cp "$n.pem" "$n.encrypted.pem"
	ssh-keygen -q -p -P '' -N password -a 4 -f "$n.encrypted.pem"
done
for c in aes128-cbc aes192-ctr aes128-gcm@openssh.com aes256-gcm@openssh.com aes256-cbc chacha20-poly1305@openssh.com; do
	n="ssh-ed25519-256.$(echo "$c" | sed 's/@.*//').pem"
	cp ssh-ed25519-256.pem "$n"
	ssh-keygen -q -p -P '' -N password -a 4 -Z "$c" -f "$n"
done
cp ssh-ed25519-256.pem ssh-ed25519-256.rounds.pem
ssh-keygen -q -p -P '' -N password -a 129 -f ssh-ed25519-256.rounds.pem
for c in des3 aes128 aes192 aes256; do
	openssl rsa -in rsa.pkcs8.pem -traditional "-$c" -passout pass:password -out "rsa.legacy-$c.pem"
done
openssl ec -in p256.sec1.pem -aes256 -passout pass:password -out p256.legacy-aes256.pem
openssl ec -in p256.sec1.pem -camellia128 -passout pass:password -out p256.legacy-camellia.pem
for p in hmacWithSHA1 hmacWithSHA224 hmacWithSHA256 hmacWithSHA384 hmacWithSHA512 hmacWithSHA512-224 hmacWithSHA512-256; do
	openssl pkcs8 -topk8 -in p256.sec1.pem -v2 aes-256-cbc -v2prf "$p" -passout pass:password -out "p256.pbes2-$p.pem"
done
for c in aes-128-cbc aes-192-cbc des3; do
	openssl pkcs8 -topk8 -in p256.sec1.pem -v2 "$c" -passout pass:password -out "p256.pbes2-$c.pem"
done
openssl pkcs8 -topk8 -in p256.sec1.pem -v2 camellia-128-cbc -passout pass:password -out p256.pbes2-camellia.pem
openssl pkcs8 -topk8 -in p256.sec1.pem -scrypt -passout pass:password -out p256.pbes2-scrypt.pem
openssl pkcs8 -topk8 -in p256.sec1.pem -v1 PBE-SHA1-3DES -passout pass:password -out p256.pbes1.pem
openssl pkcs8 -topk8 -in rsa.pkcs8.pem -v2 aes-256-cbc -passout pass:password -out rsa.pbes2.pem
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=test-root -days 36500 -out root.crt 2>/dev/null
openssl req -new -key p256.sec1.pem -subj /CN=test-leaf -out p256.csr
printf 'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n' >leaf.cnf
openssl x509 -req -in p256.csr -CA root.crt -CAkey ca.key -days 36500 -extfile leaf.cnf -out p256.crt 2>/dev/null
openssl pkcs12 -export -inkey p256.sec1.pem -in p256.crt -passout pass:password -out p256.p12
openssl pkcs12 -export -legacy -inkey p256.sec1.pem -in p256.crt -passout pass:password -out p256.legacy.p12
openssl pkey -in p256.sec1.pem -outform DER -out p256.der
rm -f ca.key leaf.cnf root.srl ./*.pem.pub
chmod 644 ./*.pem ./*.p12 ./*.crt ./*.csr ./*.der
