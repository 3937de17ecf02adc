package provider

// EndpointFollows reports whether the token endpoint follows from the audience.
func (e *Exchange) EndpointFollows() bool { return e.endpoint != nil }
