// Package doctor looks at a Conductor server and says what will keep
// GET_SIGNED_JWT tasks from being run, with one remedy for each finding. It
// changes nothing, and reads no secret's value.
package doctor
