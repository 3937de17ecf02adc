package provider

const TokenTaskName = tokenTaskName

func (p *Profile) TokenWorkflowName() string { return p.tokenWorkflowName() }
