package cli

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	logrusslog "github.com/sirupsen/logrus/hooks/slog"

	"conductor-jwt/internal/printable"
)

// The formats of the log.
const (
	logText = "text"
	logJSON = "json"
)

// newLogger returns a logger with logrus behind it. It writes to standard error;
// an empty format is text on a terminal and JSON elsewhere.
func newLogger(env Env, level, format string) *slog.Logger {
	l := logrus.New()
	l.SetOutput(env.Stderr)
	l.SetLevel(logrusLevel(level))
	l.SetFormatter(logFormatter(env, format))
	l.AddHook(escaper{})
	return slog.New(logrusslog.NewHandler(l, nil))
}

func logrusLevel(name string) logrus.Level {
	level, err := logrus.ParseLevel(name)
	if err != nil {
		return logrus.InfoLevel
	}
	return level
}

func logFormatter(env Env, format string) logrus.Formatter {
	if format == logJSON || format == "" && !isTerminal(env.Stderr) {
		return &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano, DisableHTMLEscape: true}
	}
	colours := env.colours(env.Stderr)
	return &logrus.TextFormatter{
		TimestampFormat: time.RFC3339, FullTimestamp: true,
		ForceColors: colours, DisableColors: !colours,
	}
}

// escaper escapes what does not print in the values of a line: logrus does so in
// one of its formats only.
type escaper struct{}

// Levels implements [logrus.Hook].
func (escaper) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements [logrus.Hook]. It gets a copy of the fields.
func (escaper) Fire(e *logrus.Entry) error {
	e.Message = printable.Line(e.Message)
	for name, value := range e.Data {
		e.Data[name] = plain(value)
	}
	return nil
}

// plain returns numbers and booleans as they are, and everything else as the text
// that it prints as, in which secrets are redacted.
func plain(value any) any {
	switch v := value.(type) {
	case bool, int, int64, uint64, float64:
		return v
	case string:
		return printable.Line(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []string:
		return printable.Line(strings.Join(v, ","))
	}
	return printable.Line(fmt.Sprint(value))
}
