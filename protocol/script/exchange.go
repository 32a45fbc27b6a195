package script

// Exchange is a request with its answer, or a notification.
type Exchange struct {
	Call *Step
	// Answer is nil for a notification, and for a request that the script leaves
	// without one: the editor that runs the script answers the agent's.
	Answer *Step
}

// Exchanges returns all that the script has of a method, in its order.
func (s *Script) Exchanges(method string) []Exchange {
	var exchanges []Exchange
	for i := range s.Session {
		if call := &s.Session[i]; call.Method == method {
			exchanges = append(exchanges, Exchange{call, call.answerIn(s.Session[i+1:])})
		}
	}
	return exchanges
}

// answerIn returns the step that answers a call, or nil where the next call of
// that name comes first.
func (s *Step) answerIn(later []Step) *Step {
	for i := range later {
		switch step := &later[i]; {
		case step.Window != s.Window:
		case s.isAnsweredBy(step):
			return step
		case step.Form == s.Form && step.ID == s.ID && (s.ID != "" || step.Method == s.Method):
			return nil
		}
	}
	return nil
}

func (s *Step) isAnsweredBy(step *Step) bool {
	switch step.Form {
	case Result, Failure:
		return s.Form == Request && step.ID == s.ID
	case Reply:
		return s.Form == Incoming && step.Target == s.Method
	}
	return false
}
