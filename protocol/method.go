package protocol

import "reflect"

// Direction says who sends a message.
type Direction int

const (
	// ToAgent marks what the editor sends.
	ToAgent Direction = iota + 1
	// ToEditor marks what the agent sends.
	ToEditor
	// BothWays marks what either side may send.
	BothWays
)

// Request is a method that is answered: its name, with the types of its
// parameters P and of its result R bound to it for the compiler to check.
type Request[P, R any] struct {
	name      string
	direction Direction
}

// Method returns the name on the wire.
func (r Request[P, R]) Method() string { return r.name }

func (r Request[P, R]) declaration() Declaration {
	return Declaration{
		Method: r.name, Direction: r.direction,
		Params: reflect.TypeFor[P](), Result: reflect.TypeFor[R](),
	}
}

// Notification is a method that is not answered: its name, with the type of
// its parameters P.
type Notification[P any] struct {
	name      string
	direction Direction
}

// Method returns the name on the wire.
func (n Notification[P]) Method() string { return n.name }

func (n Notification[P]) declaration() Declaration {
	return Declaration{Method: n.name, Direction: n.direction, Params: reflect.TypeFor[P]()}
}

// Null is the result, or the parameters, of a method that has none.
type Null = *struct{}

// Declaration describes a method to programs that do not know its types, such
// as the generator.
type Declaration struct {
	Method    string
	Direction Direction
	Params    reflect.Type
	Result    reflect.Type // nil for a notification
}

// IsRequest reports whether the method is answered.
func (d Declaration) IsRequest() bool { return d.Result != nil }

// Declarations lists every method of the protocol, in the order of the
// reference page.
func Declarations() []Declaration {
	methods := []interface{ declaration() Declaration }{
		Configure, Unconfigure, Status,
		Authenticate, CompleteAuthentication, Disconnect,
		Token, CallAPI, CurrentUser, ResolveRemote, Diagnose,
		DidStartAuthentication, DidChangeInstances, DidChangeAuthentication, DidChangeStatus,
		Initialize, Initialized, Shutdown, Exit, CancelRequest,
		SetTrace, LogTrace, Progress,
		WorkDoneProgressCreate, WorkDoneProgressCancel,
		ShowDocument, ShowMessage, ShowMessageRequest, LogMessage,
		DidChangeConfiguration, DidChangeWorkspaceFolders,
	}
	list := make([]Declaration, len(methods))
	for i, m := range methods {
		list[i] = m.declaration()
	}
	return list
}
