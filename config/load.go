package config

import (
	"cmp"
	"fmt"
)

// Sources is everything that settings come from.
type Sources struct {
	Flags    map[string]string // by the setting's name, only those that were given
	Getenv   func(string) (string, bool)
	Environ  []string                          // NAME=value
	ReadFile func(path string) ([]byte, error) // as [os.ReadFile]
	Cores    int                               // GOMAXPROCS
	Host     string                            // host name
	PID      int                               // process id
}

// Source is the kind of place that a value came from.
type Source string

// The sources, the strongest first.
const (
	FromFlag        Source = "flag"
	FromEnvironment Source = "environment"
	FromFile        Source = "file"
	FromDefault     Source = "default"
)

// Origin is where a value came from.
type Origin struct {
	Source Source
	Where  string // "--slots", "CONDUCTOR_JWT_SLOTS", "worker.yaml:3"; empty for a default
}

func (o Origin) String() string {
	if o.Where == "" {
		return string(o.Source)
	}
	return string(o.Source) + " " + o.Where
}

// Loaded is a configuration with the origin of every setting.
type Loaded struct {
	Config
	// Warnings are of what does no harm but is surely not meant, in the words
	// of a problem.
	Warnings []string

	origins map[string]Origin
}

// Origin is where the setting of that name came from.
func (l *Loaded) Origin(name string) Origin {
	if o, ok := l.origins[name]; ok {
		return o
	}
	return Origin{Source: FromDefault}
}

// ListenSet reports whether the listening address was chosen by somebody.
func (l *Loaded) ListenSet() bool { return l.Origin(settingListen).Source != FromDefault }

// value is a setting as it was written.
type value struct {
	text string
	list []string // of a list in the file, in place of text
	path string   // of a file that holds the secret, in place of text
	at   Origin
}

// Load reads and checks every setting. Its error is an [*Error] with every
// problem there is.
func Load(src Sources) (*Loaded, error) {
	var wrong problems
	table := Settings()
	given := readFile(src, table, &wrong)
	readEnvironment(src, table, given, &wrong)
	readFlags(src, table, given)

	l := &Loaded{Config: Defaults(), origins: map[string]Origin{}}
	for _, s := range table {
		v, ok := given[s.Name]
		if !ok {
			continue
		}
		l.origins[s.Name] = v.at
		if v.path != "" {
			v.text = readSecret(src, s, v, &wrong)
		}
		set(s, &l.Config, v, &wrong)
	}
	l.compute(src)
	unknownVariables(src, table, l, &wrong)
	if len(wrong) == 0 {
		l.check(&wrong) // only whole values can be compared
	}
	return l, wrong.err()
}

// Defaults returns the settings of a process that sets none. Those whose default
// is computed at start are zero.
func Defaults() Config {
	var c Config
	for _, s := range Settings() {
		if s.Default != "" && !s.Computed {
			_ = parse(s, s.field(&c), value{text: s.Default}) // the tests read every default
		}
	}
	return c
}

func readFlags(src Sources, table []Setting, given map[string]value) {
	for _, s := range table {
		if text, ok := src.Flags[s.Name]; ok && s.Flag != "" {
			given[s.Name] = value{text: text, at: Origin{FromFlag, "--" + s.Flag}}
		}
	}
}

// compute fills in what has no fixed default.
func (l *Loaded) compute(src Sources) {
	l.Slots = cmp.Or(l.Slots, max(8*src.Cores, len(l.TaskTypes)))
	if _, chosen := l.origins[settingDefaultTTL]; !chosen {
		l.DefaultTTL = min(l.DefaultTTL, l.MaxTTL) // a default must not exceed max_ttl
	}
	l.WorkerID = cmp.Or(l.WorkerID, fmt.Sprintf("%s-%d", cmp.Or(src.Host, "unknown"), src.PID))
}

// Row is a setting with its effective value.
type Row struct {
	Setting
	Value  string // fit to print: a secret is redacted
	Origin Origin
}

// Rows returns every setting, in the table's order.
func (l *Loaded) Rows() []Row {
	var rows []Row
	for _, s := range Settings() {
		rows = append(rows, Row{s, shown(s, &l.Config), l.Origin(s.Name)})
	}
	return rows
}
