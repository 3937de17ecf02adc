package policy

func Fields() []Field { return grantFields() }
