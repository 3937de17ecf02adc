package worker

// Observers tells each in turn.
type Observers []Observer

// Polled implements [Observer].
func (o Observers) Polled(e Polled) {
	for _, each := range o {
		each.Polled(e)
	}
}

// QueueFull implements [Observer].
func (o Observers) QueueFull(taskType string) {
	for _, each := range o {
		each.QueueFull(taskType)
	}
}

// Received implements [Observer].
func (o Observers) Received(taskType string) {
	for _, each := range o {
		each.Received(taskType)
	}
}

// Duplicate implements [Observer].
func (o Observers) Duplicate(taskType string) {
	for _, each := range o {
		each.Duplicate(taskType)
	}
}

// Unbounded implements [Observer].
func (o Observers) Unbounded(taskType string) {
	for _, each := range o {
		each.Unbounded(taskType)
	}
}

// Executed implements [Observer].
func (o Observers) Executed(e Executed) {
	for _, each := range o {
		each.Executed(e)
	}
}

// Updated implements [Observer].
func (o Observers) Updated(e Updated) {
	for _, each := range o {
		each.Updated(e)
	}
}

// Ended implements [Observer].
func (o Observers) Ended(taskType string, end End) {
	for _, each := range o {
		each.Ended(taskType, end)
	}
}

// Panicked implements [Observer].
func (o Observers) Panicked() {
	for _, each := range o {
		each.Panicked()
	}
}
