package config

import (
	"cmp"
	"fmt"

	"conductor-jwt/internal/secret"
)

// Sources are what the settings are read from, and what computed defaults depend
// on.
type Sources struct {
	Flags    map[string]string // the given ones, by the setting's name
	Getenv   func(string) (string, bool)
	Environ  []string // NAME=value
	ReadFile func(path string) ([]byte, error)
	Cores    int    // GOMAXPROCS
	Host     string // host name
	PID      int    // process id
}

// Source is a kind of origin.
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
	Where  string // --slots, CONDUCTOR_JWT_SLOTS, worker.yaml:3; empty for a default
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
	// Warnings are problems that do not keep a worker from starting, one line each.
	Warnings []string

	origins    map[string]Origin
	valueFiles map[string]string // paths, by the setting's name
}

// Origin returns where the setting of a name came from.
func (l *Loaded) Origin(name string) Origin {
	if o, ok := l.origins[name]; ok {
		return o
	}
	return Origin{Source: FromDefault}
}

// ValueFile returns the path of the file that the value of a setting was read from;
// empty where it was set in another way.
func (l *Loaded) ValueFile(name string) string { return l.valueFiles[name] }

// Credentials returns AuthKey and AuthSecret. It reads their files again, where they
// have some. Its error is an [*Error].
func (l *Loaded) Credentials(readFile func(path string) ([]byte, error)) (id string, password secret.Text, err error) {
	var wrong problems
	again := Config{AuthKey: l.AuthKey, AuthSecret: l.AuthSecret}
	for _, s := range connectionSettings() {
		path := l.valueFiles[s.Name]
		if path == "" {
			continue
		}
		text, fault := readValueFile(s, path, readFile)
		if fault == "" {
			fault = parse(s, s.field(&again), value{text: text})
		}
		if fault != "" {
			wrong.add(s.Name, l.Origin(s.Name), "%s", fault)
		}
	}
	return again.AuthKey, again.AuthSecret, wrong.err()
}

// value is a setting as it was written: a text, a list of the file, or the path
// of a file that holds it.
type value struct {
	text string
	list []string
	path string
	at   Origin
}

// Load reads and checks every setting. Its error is an [*Error] with all problems.
func Load(src Sources) (*Loaded, error) {
	var wrong problems
	table := Settings()
	given := values{}
	given.addFlags(src, table)
	given.addEnvironment(src, table, &wrong)
	given.addFile(src, table, &wrong)

	l := &Loaded{Config: Defaults(), origins: map[string]Origin{}, valueFiles: map[string]string{}}
	for _, s := range table {
		v, ok := given[s.Name]
		if !ok {
			continue
		}
		l.origins[s.Name] = v.at
		if v.path != "" {
			var fault string
			if v.text, fault = readValueFile(s, v.path, src.ReadFile); fault != "" {
				wrong.add(s.Name, v.at, "%s", fault)
			}
			l.valueFiles[s.Name] = v.path
		}
		if fault := parse(s, s.field(&l.Config), v); fault != "" {
			wrong.add(s.Name, v.at, "%s", fault)
		}
	}
	l.compute(src)
	l.checkVariables(src, table, &wrong)
	if len(wrong) == 0 {
		l.check(&wrong) // compares values, so that each must be valid
	}
	return l, wrong.err()
}

// Defaults returns the settings of a process that sets none. Those whose default
// is computed at start are zero.
func Defaults() Config {
	var c Config
	for _, s := range Settings() {
		if s.Default != "" && !s.Computed {
			_ = parse(s, s.field(&c), value{text: s.Default}) // a test parses every default
		}
	}
	return c
}

// values are the settings that sources give, by name. Sources are added in the order
// of their precedence.
type values map[string]value

// add adds a value, unless a stronger source gives the setting.
func (vs values) add(name string, v value) {
	if _, ok := vs[name]; !ok {
		vs[name] = v
	}
}

func (vs values) addFlags(src Sources, table []Setting) {
	for _, s := range table {
		if text, ok := src.Flags[s.Name]; ok && s.Flag != "" {
			vs.add(s.Name, value{text: text, at: Origin{FromFlag, "--" + s.Flag}})
		}
	}
}

// compute sets the defaults that depend on the process or on other settings.
func (l *Loaded) compute(src Sources) {
	l.Slots = cmp.Or(l.Slots, max(8*src.Cores, len(l.TaskTypes)))
	if _, ok := l.origins[settingDefaultTTL]; !ok {
		l.DefaultTTL = min(l.DefaultTTL, l.MaxTTL) // the default is capped at max_ttl
	}
	l.WorkerID = cmp.Or(l.WorkerID, fmt.Sprintf("%s-%d", cmp.Or(src.Host, "unknown"), src.PID))
}

// Row is a setting with its effective value.
type Row struct {
	Setting
	Value  string // a secret is redacted
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
