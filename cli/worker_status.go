package cli

import (
	"conductor-jwt/config"
	"conductor-jwt/web"
)

// statusOf gives what the status page shows, each time anew.
func (p *parts) statusOf(c *config.Loaded) func() web.Status {
	var settings []web.Setting
	for _, row := range c.Rows() {
		settings = append(settings, web.Setting{Name: row.Name, Value: row.Value, Origin: row.Origin.String()})
	}
	return func() web.Status {
		_, health := p.worker.Ready()
		return web.Status{
			Version: p.build.Version, Edition: p.build.Edition, Crypto: p.build.Crypto,
			Server: p.client.BaseURL(), Domain: c.Domain, WorkerID: c.WorkerID,
			Began: p.began, Now: p.history.Now(), Health: health,
			Hour: p.history.Hour(), Failures: p.history.Failures(),
			Keys: p.signing.current.Load().ring.Status(), Settings: settings, UI: c.UIURL,
		}
	}
}
