package keys

// Unbind lets a key of this process sign with every algorithm that its type
// permits, although its JWK names one: what step calls subtle. Other keys are
// given back as they are.
func Unbind(k Key) Key {
	local, ok := k.(*localKey)
	if !ok || local.meta.alg == "" {
		return k
	}
	private, _ := privateOf(local)
	m := local.meta
	m.alg = ""
	free, err := newLocal(private, m)
	if err != nil {
		return k
	}
	return free
}
