package cli

// terminalDevice is the console of the process, whatever its standard streams
// are.
const terminalDevice = "CONIN$"
