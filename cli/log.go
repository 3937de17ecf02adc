package cli

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	logrusslog "github.com/sirupsen/logrus/hooks/slog"

	"conductor-jwt/internal/printable"
)

// logText and logJSON are the formats of a log line.
const (
	logText = "text"
	logJSON = "json"
)

// newLogger is slog to the code and logrus to the reader. It writes to
// standard error; an empty format is text on a terminal and JSON elsewhere.
func newLogger(env Env, level, format string) *slog.Logger {
	l := logrus.New()
	l.SetOutput(env.Stderr)
	l.SetLevel(logrusLevel(level))
	l.SetFormatter(logFormatter(env, env.Stderr, format))
	l.AddHook(escaping{})
	return slog.New(logrusslog.NewHandler(l, nil))
}

func logrusLevel(name string) logrus.Level {
	level, err := logrus.ParseLevel(name)
	if err != nil {
		return logrus.InfoLevel
	}
	return level
}

func logFormatter(env Env, w io.Writer, format string) logrus.Formatter {
	if format == logJSON || format == "" && !isTerminal(w) {
		return &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano, DisableHTMLEscape: true}
	}
	colours := env.colours(w)
	return &logrus.TextFormatter{
		TimestampFormat: time.RFC3339, FullTimestamp: true,
		ForceColors: colours, DisableColors: !colours,
	}
}

// escaping makes every value that a line holds plain text without anything
// that a terminal would obey or that would hide its neighbours. Logrus quotes
// in one of its formats and not in the others. The message is a constant.
type escaping struct{}

// Levels implements [logrus.Hook].
func (escaping) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements [logrus.Hook]. Logrus hands it a copy of the fields.
func (escaping) Fire(e *logrus.Entry) error {
	e.Message = printable.Line(e.Message)
	for name, value := range e.Data {
		e.Data[name] = plain(value)
	}
	return nil
}

// plain keeps numbers and truth values; all else becomes the text that it
// prints as, in which a secret is redacted.
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
