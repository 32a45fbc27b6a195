package endurance

import (
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

func TestOneRefreshServesEverybody(t *testing.T) {
	refreshOnce(t)
}

// As on a busy instance. The others must neither ask as well nor give up.
func TestOneSlowRefreshServesEverybody(t *testing.T) {
	t.Parallel()
	refreshOnce(t, providertest.Fault{Delay: 5 * time.Second})
}

// refreshOnce lets a crowd ask with a token that has run out.
func refreshOnce(t *testing.T, faults ...providertest.Fault) {
	ctx, p := within(t), signedInPlace(t)
	c := gather(ctx, t, p)
	earlier, err := p.stored("sam")
	if err != nil {
		t.Fatal(err)
	}
	p.expire(t, "sam")
	for _, fault := range faults {
		p.SetFault(providertest.EndpointToken, fault)
	}
	access := wantServed(t, c.ask(ctx, "sam")(), "sam")
	p.wantStored(ctx, t, "sam", access, earlier)
	p.wantRefreshes(t, 200)
}
