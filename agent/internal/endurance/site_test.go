package endurance

import (
	"slices"
	"sync"
)

// A site is a place where several agents use the tokens of an account. It keeps
// which of them may have left the account without working tokens: those that
// were killed while they changed them. Only then may an agent say that a new
// sign-in is required.
type site struct {
	*place

	mu     sync.Mutex        // guards what follows
	inUse  int               // uses under way
	doubts map[string][]*use // by user
}

func newSite(p *place) *site { return &site{place: p, doubts: map[string][]*use{}} }

// A use is one operation that takes or changes the tokens of an account.
type use struct {
	site *site
	user string
	// expired says that the token had run out, and that nothing else was under
	// way: who is served then has a token that was got after the use began.
	expired bool
	dead    bool   // it was cut off, and nothing more comes of it
	earlier []*use // the doubts that the dead had left when it began
}

// begin notes that a use begins, and lets the token run out first if nobody is
// using it: real ones do not run out twice in a row. doomed says that its agent
// may be killed in the middle of it.
func (s *site) begin(user string, doomed bool) *use {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &use{site: s, user: user}
	if u.expired = s.inUse == 0; u.expired {
		s.ExpireTokens(user)
	}
	s.inUse++
	for _, doubt := range s.doubts[user] {
		if doubt.dead {
			u.earlier = append(u.earlier, doubt)
		}
	}
	if doomed {
		s.doubts[user] = append(s.doubts[user], u)
	}
	return u
}

// inDoubt reports whether there may be no working tokens.
func (u *use) inDoubt() bool {
	u.site.mu.Lock()
	defer u.site.mu.Unlock()
	return len(u.site.doubts[u.user]) > 0
}

// cutOff notes that the agent was killed before it answered, or could not do it
// all.
func (u *use) cutOff() {
	u.site.mu.Lock()
	defer u.site.mu.Unlock()
	u.dead = true
	u.site.inUse--
	if doubts := u.site.doubts; !slices.Contains(doubts[u.user], u) {
		doubts[u.user] = append(doubts[u.user], u)
	}
}

// end notes that the use was answered. renewed says that the account now has
// tokens, or none at all, that are newer than the beginning of the use: whatever
// the dead have done to earlier ones no longer matters.
func (u *use) end(renewed bool) {
	u.site.mu.Lock()
	defer u.site.mu.Unlock()
	u.site.inUse--
	settled := []*use{u}
	if renewed {
		settled = append(settled, u.earlier...)
	}
	u.site.doubts[u.user] = slices.DeleteFunc(u.site.doubts[u.user], func(doubt *use) bool { return slices.Contains(settled, doubt) })
}
