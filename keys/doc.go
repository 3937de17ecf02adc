// Package keys has the keys that sign and verify tokens. Private bytes live in
// this package and in those below it, and nowhere else.
//
// A [Ref] says which key: text that came with a task, or the name of a
// configured one. [Parser.Resolve] reads a text once, checks the key, and keeps
// it for a while. [Key.Sign] makes a JWS signature, in this process or in a key
// store. What package decode read is not trusted: the numbers of every key are
// checked before it becomes a Key, and no signature is given out that does not
// fit the key's algorithms.
//
// Every refusal is a [fault.Error]: a reason of this package, what was found,
// and what to do, without a word of the key's text.
//
// Below this package, decode reads keys from text, exposure tells whether a text
// gives a key away, openssl signs with RSA keys, and the others are key stores.
package keys
