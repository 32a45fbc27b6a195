package protocol

import "time"

// DiagnoseParams optionally names one instance.
type DiagnoseParams struct {
	// Instance is the id of one instance. Default: all.
	Instance string `json:"instance,omitempty"`
	// Names puts the names of users and their home directory into the report. Without
	// it accounts go by their ids, so that the report can be pasted into a ticket.
	Names bool `json:"names,omitempty"`
}

// DiagnoseResult is a report: what was examined by what, and the checks in the
// order of the way from the editor to GitLab. It has no secrets.
type DiagnoseResult struct {
	Checks []Check `json:"checks"`
	// Version is the agent's own.
	Version string `json:"version"`
	// OS and Arch are the system that the agent was built for, in the words of Go
	// (GOOS, GOARCH), such as "windows" and "amd64".
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// Time is when the report was begun.
	Time time.Time `json:"time"`
}
