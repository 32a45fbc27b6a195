package protocol

import "time"

// StatusParams optionally names one instance.
type StatusParams struct {
	// Instance is the id of one instance. Default: all. It can be one of which only
	// accounts are left.
	Instance string `json:"instance,omitempty"`
}

// StatusResult lists what is known.
type StatusResult struct {
	// Instances stand in the order of their ids.
	Instances []Instance `json:"instances"`
	// Unlisted are accounts that are kept of instances which no source names (any more),
	// or about which files disagree. They serve again once the instance is back, and can
	// be signed out.
	Unlisted []Account `json:"unlisted,omitempty"`
	// Store says where all of this is kept.
	Store Store `json:"store"`
	// Registry says how it stands with the team's registry. Absent where none is set;
	// and where the setting makes no sense, which is a problem.
	Registry *RegistryStatus `json:"registry,omitempty"`
	// Problems are what is wrong with the sources of instances, and with the settings
	// that name one.
	Problems []Problem `json:"problems"`
}

// Problem is something wrong with a source of instances, which does not count, in
// whole or in part: such as a mistake in a file. All else goes on. A problem has what
// an error has: show its message and its hint, and where the details have a file, a
// line and a column, underline the place.
type Problem struct {
	// Source is where the instances would come from.
	Source Source `json:"source"`
	// Code is an error's.
	Code int `json:"code"`
	// Name is the name of the code.
	Name string `json:"name"`
	// Message is what is wrong.
	Message string `json:"message"`
	// Hint is the next step, for a person.
	Hint string `json:"hint,omitempty"`
	// Instance is the id of the instance it is about, if it is about one.
	Instance string `json:"instance,omitempty"`
	// Details say what has to be mended: the cause, and for a file which and where in
	// it, with what is wrong there as the text.
	Details *ErrorDetails `json:"details,omitempty"`
}

// RegistryStatus says how it stands with the team's registry. What was last seen of
// it serves in every state.
type RegistryStatus struct {
	// URL is the first of the settings'.
	URL string `json:"url"`
	// State is how the connection stands.
	State RegistryState `json:"state"`
	// Since is when that began.
	Since time.Time `json:"since"`
	// Problem is why it is away.
	Problem *Problem `json:"problem,omitempty"`
}

// RegistryState is the state of the connection to the team's registry.
type RegistryState string

// The values of [RegistryState].
const (
	RegistryConnecting RegistryState = "connecting"  // it has not answered yet
	RegistryConnected  RegistryState = "connected"   // changes come at once
	RegistryAway       RegistryState = "unavailable" // it is tried again all the time
)

// Store says where instances, accounts and their secrets are kept.
type Store struct {
	// DataDir is the directory, which all windows share that name the same.
	DataDir string `json:"dataDir"`
	// Key says where the key lies that seals new secrets.
	Key StoreKey `json:"key"`
}

// StoreKey says where the key lies that seals new secrets.
type StoreKey string

// The values of [StoreKey].
const (
	StoreKeyKeyring StoreKey = "keyring" // in the system's keyring
	StoreKeyFile    StoreKey = "file"    // in a file in the data directory
	StoreKeyNone    StoreKey = "none"    // nowhere: no secret has been kept yet
)

// DidChangeInstancesParams lists all instances as they are now.
type DidChangeInstancesParams struct {
	Instances []Instance `json:"instances"`
}

// DidChangeStatusParams is what may have changed of the status.
type DidChangeStatusParams struct {
	// Registry says how it stands with the team's registry, as in the status.
	Registry *RegistryStatus `json:"registry,omitempty"`
	// Problems are all that there are by now.
	Problems []Problem `json:"problems"`
}
