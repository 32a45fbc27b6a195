package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// durable is the body of a request for a consumer that has a name of its own, which a
// server keeps for ever unless it is told otherwise. Each field may be another's.
func durable(name, fields string) []byte {
	return fmt.Appendf(nil, `{"stream_name": %q, "config": {"name": %[2]q, "durable_name": %[2]q, "ack_policy": "none"%s}}`, testStream, name, fields)
}

// create asks for a consumer, and returns the code of the error, 0 for none.
func (r raider) create(name string, body []byte) int {
	r.t.Helper()
	var answer struct {
		Error struct {
			Code int `json:"err_code"`
		} `json:"error"`
	}
	text := r.ask("$JS.API.CONSUMER.CREATE."+testStream+"."+name, body)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		r.t.Fatalf("%s: %v", text, err)
	}
	return answer.Error.Code
}

// TestConsumersOfNobodyGo: a member can ask for one that stays, and does not have it for long.
// What watches stays, also after the limit was put on a bucket that had none.
func TestConsumersOfNobodyGo(t *testing.T) {
	t.Parallel()
	url := startServer(t, natstest.Options{Operator: true}).URL
	js := operator(t, url)
	if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: testBucket}); err != nil {
		t.Fatal(err)
	}
	sam := join(t, url, natstest.Member, natstest.TeamKey)
	sam.awaitConnection()
	maintainer := join(t, url, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitConnection()
	maintainer.publish(entry("first"), 0)
	raider := raider{t, dial(t, url, natstest.Member)}
	for name, fields := range map[string]string{"a-minute": `, "inactive_threshold": 60000000000`, "acknowledged": `, "ack_policy": "explicit", "max_ack_pending": 1000`} {
		if code := raider.create(name, durable(name, fields)); code == 0 {
			t.Errorf("%s is had", name)
		}
	}
	if code := raider.create("stays", durable("stays", "")); code != 0 {
		t.Fatalf("a durable consumer is answered %d", code)
	}
	stream, err := js.Stream(t.Context(), testStream)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := stream.Consumer(t.Context(), "stays"); err != nil || info.CachedInfo().Config.InactiveThreshold != idle {
		t.Errorf("it is kept as %+v, %v", info, err)
	}
	awaitConsumers(t, stream, 2) // sam and the maintainer
	maintainer.publish(entry("second"), 1)
	sam.awaitNamed("second")
	if now := sam.State(); !now.Connected {
		t.Errorf("the member's connection has become %+v", now)
	}
}

// awaitConsumers waits until a bucket has so many.
func awaitConsumers(t *testing.T, stream jetstream.Stream, want int) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for {
		info, err := stream.Info(t.Context())
		switch {
		case err != nil:
			t.Fatal(err)
		case info.State.Consumers == want:
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("there are %d consumers, want %d", info.State.Consumers, want)
		}
	}
}

// TestALimitHoldsNoWriteUp while somebody has a consumer for which the server has
// promised more. It is put on with a later write.
func TestALimitHoldsNoWriteUp(t *testing.T) {
	t.Parallel()
	url := startServer(t, natstest.Options{Operator: true}).URL
	js := operator(t, url)
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: testBucket})
	if err != nil {
		t.Fatal(err)
	}
	raider := raider{t, dial(t, url, natstest.Member)}
	if code := raider.create("an-hour", durable("an-hour", `, "inactive_threshold": 3600000000000`)); code != 0 {
		t.Fatalf("before there is a limit it is answered %d", code)
	}
	maintainer := join(t, url, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitConnection()
	limit := func() time.Duration {
		t.Helper()
		info, err := ask(t.Context(), kv)
		if err != nil {
			t.Fatal(err)
		}
		return info.Config.ConsumerLimits.InactiveThreshold
	}
	revision := maintainer.publish(entry("first"), 0)
	if got := limit(); got != 0 {
		t.Errorf("the bucket has the limit %v", got)
	}
	if err := js.DeleteConsumer(t.Context(), testStream, "an-hour"); err != nil {
		t.Fatal(err)
	}
	maintainer.publish(entry("second"), revision)
	if got := limit(); got != idle {
		t.Errorf("the bucket has the limit %v", got)
	}
}

// TestAnOperatorsLimitStays, whatever it is.
func TestAnOperatorsLimitStays(t *testing.T) {
	t.Parallel()
	_, maintainer, _, js := shared(t, "first")
	stream, err := js.Stream(t.Context(), testStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.ConsumerLimits.InactiveThreshold = time.Hour
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	maintainer.publish(entry("second"), 1)
	if info, err := stream.Info(t.Context()); err != nil || info.Config.ConsumerLimits.InactiveThreshold != time.Hour {
		t.Errorf("it has become %v, %v", info, err)
	}
}

// TestAFullRegistrySaysSo, and has room for who comes once somebody has gone.
func TestAFullRegistrySaysSo(t *testing.T) {
	t.Parallel()
	url := startServer(t, natstest.Options{Consumers: 2}).URL
	maintainer := join(t, url, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitProblem()
	maintainer.publish(entry("first"), 0)
	maintainer.awaitConnection()
	conn := dial(t, url, natstest.Member)
	if _, err := conn.SubscribeSync("_INBOX.raider"); err != nil {
		t.Fatal(err)
	}
	raider := raider{t, conn}
	if code := raider.create("raider", durable("raider", `, "deliver_subject": "_INBOX.raider"`)); code != 0 {
		t.Fatalf("a durable consumer is answered %d", code)
	}
	sam := join(t, url, natstest.Member, natstest.TeamKey)
	problem := sam.awaitProblem()
	if problem.Code != protocol.RegistryUnavailable || problem.Details.Cause != "full" || !strings.Contains(problem.Hint, "max_consumers") {
		t.Errorf("the problem is %+v of cause %q, want that it is full", problem, problem.Details.Cause)
	}
	if _, err := sam.Publish(t.Context(), entry("sam's"), Version{}); !errors.Is(err, protocol.Forbidden) {
		t.Errorf("a member's publication is answered %v, want Forbidden", err)
	}
	conn.Close()
	sam.awaitNamed("first")
}
