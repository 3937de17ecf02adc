package provider

const TokenTaskName = tokenTaskName

func (p *Profile) TokenWorkflowName() string { return p.tokenWorkflowName() }

// EndpointFollows reports whether the token endpoint follows from the audience.
func (e *Exchange) EndpointFollows() bool { return e.endpoint != nil }
