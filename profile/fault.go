package profile

// Kind is the sort of a [Fault].
type Kind string

// The kinds.
const (
	Missing     Kind = "missing"     // what must be there is not
	Unwanted    Kind = "unwanted"    // what must not be there is
	Wrong       Kind = "wrong"       // it is of another type or text
	Conflict    Kind = "conflict"    // it contradicts what the operator has fixed, or what follows from the key
	Lifetime    Kind = "lifetime"    // exp
	Algorithm   Kind = "algorithm"   // alg
	Certificate Kind = "certificate" // x5t#S256
)

// Fault is one rule that a token breaks. It quotes no value.
type Fault struct {
	Kind   Kind
	Name   string // of the claim or the header member
	Header bool   // a header member
	Found  string // lower case, no full stop
	Hint   string // what to do
}

// Error implements the error interface.
func (f *Fault) Error() string { return f.Name + ": " + f.Found + "; " + f.Hint }

// missing says that a claim must be there.
func missing(name, means string) *Fault {
	return &Fault{Kind: Missing, Name: name, Found: "this profile needs " + name + ", and there is none", Hint: setTo(means)}
}

func wrong(name, found, means string) *Fault {
	return &Fault{Kind: Wrong, Name: name, Found: found, Hint: setTo(means)}
}

func setTo(means string) string {
	if means == "" {
		return "set it"
	}
	return "set it to " + means
}
