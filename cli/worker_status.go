package cli

import (
	"conductor-jwt/config"
	"conductor-jwt/web"
)

// statusOf returns a function that gives what the status page shows now.
func (p *parts) statusOf(c *config.Loaded) func() web.Status {
	var settings, defaults []web.Setting
	for _, row := range c.Rows() {
		list := &settings
		if row.Origin.Source == config.FromDefault {
			list = &defaults
		}
		*list = append(*list, web.Setting{Name: row.Name, Value: row.Value, Origin: row.Origin.String()})
	}
	return func() web.Status {
		_, health := p.worker.Ready()
		return web.Status{
			Version: p.build.Version, Edition: p.build.Edition, Crypto: p.build.Crypto,
			Server: p.client.BaseURL(), Domain: c.Domain, WorkerID: c.WorkerID,
			Began: p.began, Now: p.history.Now(), Health: health,
			Hour: p.history.Hour(), Failures: p.history.Failures(),
			Keys: p.signing.current.Load().ring.Status(), Settings: settings, Defaults: defaults, UI: c.UIURL,
		}
	}
}
