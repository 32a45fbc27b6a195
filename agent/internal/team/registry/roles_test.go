package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
)

// The bucket and its record, by the subjects that a server knows.
const (
	testBucket = bucketPrefix + defaultTeam
	testStream = "KV_" + testBucket
)

var testRecord = "$KV." + testBucket + "." + keyOf(testID)

// reading are the requests that both roles may make.
var reading = []nats.Msg{
	{Subject: "$JS.API.STREAM.INFO." + testStream},
	{Subject: "$JS.API.CONSUMER.CREATE." + testStream + ".raider", Data: consumer("raider", "_INBOX.raider", false)},
	{Subject: "$JS.API.CONSUMER.DELETE." + testStream + ".nobody"},
	{Subject: "$JS.API.DIRECT.GET." + testStream + ".nothing"},
	{Subject: "$JS.API.DIRECT.GET." + testStream + "." + testRecord},
	{Subject: "$JS.FC." + testStream + ".raider.1"},
}

// writing are those of a maintainer besides, such as change nothing.
var writing = []nats.Msg{
	{Subject: "$JS.API.INFO"},
	{Subject: "$JS.API.STREAM.CREATE." + testStream},
	{Subject: "$JS.API.STREAM.UPDATE." + testStream},
	{Subject: testRecord, Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"99"}}},
}

// TestARoleReachesNoFurther has a member and a maintainer do by the server's hand
// what they may not do themselves: each request that they may make names as its reply
// the subject of something that they may not, and so do consumers as the subject to
// deliver to. The bucket stays as it is.
func TestARoleReachesNoFurther(t *testing.T) {
	t.Parallel()
	for _, role := range []natstest.Role{natstest.Member, natstest.Maintainer} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			server := startServer(t, natstest.Options{Operator: true})
			maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
			maintainer.awaitProblem()
			maintainer.publish(entry("first"), 0)
			raid(t, operator(t, server.URL), dial(t, server.URL, role), role)
		})
	}
}

// raid has a role attack a registry in all ways, and an operator look at it after each.
func raid(t *testing.T, js jetstream.JetStream, conn *nats.Conn, role natstest.Role) {
	before := survey(t, js)
	requests := reading
	targets := []string{
		"$JS.API.STREAM.DELETE." + testStream, "bucket.STREAM.DELETE." + testStream,
		"$JS.API.STREAM.PURGE." + testStream, "bucket.STREAM.PURGE." + testStream,
		"$JS.API.STREAM.MSG.DELETE." + testStream, "$JS.API.STREAM.LEADER.STEPDOWN." + testStream,
		"$JS.API.STREAM.CREATE.KV_codestream-other", "$JS.API.STREAM.RESTORE.KV_codestream-other",
	}
	if role == natstest.Maintainer {
		requests = slices.Concat(reading, writing)
	} else {
		targets = append(targets, testRecord, "$KV."+testBucket+".instance.another",
			"$JS.API.STREAM.UPDATE."+testStream, "bucket.STREAM.UPDATE."+testStream)
	}
	r := raider{t, conn}
	for _, target := range targets {
		r.send(nats.Msg{Subject: target})
		for _, request := range requests {
			request.Reply = target
			r.send(request)
		}
		r.deliverTo(target)
		r.settle()
		if after := survey(t, js); after != before {
			t.Fatalf("by %s the bucket has become\n%s\nand was\n%s", target, after, before)
		}
	}
}

// TestAWatchThatWasChangedIsBegunAnew: members share an account, so each sees what the
// server answers the others, and can have it change the consumer of another's watch.
func TestAWatchThatWasChangedIsBegunAnew(t *testing.T) {
	t.Parallel()
	for setting, value := range map[string]any{"filter_subject": "$KV." + testBucket + ".nothing", "headers_only": true} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, natstest.Options{})
			maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
			maintainer.awaitProblem()
			maintainer.publish(entry("first"), 0)
			r := raider{t, dial(t, server.URL, natstest.Member)}
			inboxes, err := r.conn.SubscribeSync("_INBOX.>")
			if err != nil {
				t.Fatal(err)
			}
			r.settle() // the server knows that
			sam := join(t, server.URL, natstest.Member, natstest.TeamKey)
			sam.awaitNamed("first")
			var seen struct {
				Name   string         `json:"name"`
				Config map[string]any `json:"config"`
			}
			for seen.Name == "" {
				answer, err := inboxes.NextMsg(patience)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(answer.Data, []byte("consumer_create_response")) {
					if err := json.Unmarshal(answer.Data, &seen); err != nil {
						t.Fatal(err)
					}
				}
			}
			seen.Config[setting] = value
			body, err := json.Marshal(map[string]any{"stream_name": testStream, "config": seen.Config})
			if err != nil {
				t.Fatal(err)
			}
			if code := r.create(seen.Name, body); code != 0 {
				t.Fatalf("the change is answered %d", code)
			}
			maintainer.publish(entry("second"), 1)
			sam.awaitNamed("second")
		})
	}
}

// TestAWatchThatLacksARecordWithdrawsNothing: a member can have the server send to
// another's watch what a consumer of their own is for, which is less than all.
func TestAWatchThatLacksARecordWithdrawsNothing(t *testing.T) {
	t.Parallel()
	_, maintainer, sam, _ := shared(t, "first")
	other := entry("other")
	other.ID = "https://other.example.com"
	other.Instance.URL = other.ID
	if _, err := maintainer.Publish(t.Context(), other, Version{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := meet(t, sam.Team, nil)
	conn, err := m.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	w := watch{Registry: m.Registry, conn: conn}
	err = conn.do(ctx, func(opening context.Context) error {
		if err := w.open(ctx, opening); err != nil {
			return err
		}
		err := w.keys.Stop()
		w.drain()
		if err == nil {
			w.keys, err = w.kv.Watch(ctx, keyOf(other.ID))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.follow(ctx, Listener{
		Keep:    func(state Snapshot) error { t.Errorf("it is kept that there is only %+v", state.Entries); return nil },
		Changed: func(state State) { t.Errorf("it is told that all is there: %+v", state) },
	})
	if err != errDeaf {
		t.Errorf("the watch ends with %v", err)
	}
}

// A raider speaks to the server without the client's manners.
type raider struct {
	t    *testing.T
	conn *nats.Conn
}

func (r raider) send(m nats.Msg) {
	r.t.Helper()
	if err := r.conn.PublishMsg(&m); err != nil {
		r.t.Fatal(err)
	}
}

func (r raider) ask(subject string, body []byte) string {
	r.t.Helper()
	answer, err := r.conn.Request(subject, body, patience)
	if err != nil {
		r.t.Fatalf("%s is not answered: %v", subject, err)
	}
	return string(answer.Data)
}

// deliverTo has the bucket delivered to a subject, with and without what is in it.
func (r raider) deliverTo(target string) {
	r.t.Helper()
	for _, headersOnly := range []bool{false, true} {
		r.ask("$JS.API.CONSUMER.CREATE."+testStream+".raider-2", consumer("raider-2", target, headersOnly))
		r.settle()
		r.ask("$JS.API.CONSUMER.DELETE."+testStream+".raider-2", nil)
	}
}

// settle waits until the server has done what it was asked for, and what its answers
// have set off: it answers what was asked later.
func (r raider) settle() {
	r.t.Helper()
	for range 3 {
		if answer := r.ask("$JS.API.STREAM.INFO."+testStream, nil); strings.Contains(answer, `"error"`) {
			r.t.Fatalf("the bucket is gone: %s", answer)
		}
	}
}

// consumer is the body of a request for one that delivers the bucket to a subject.
func consumer(name, deliverTo string, headersOnly bool) []byte {
	return fmt.Appendf(nil, `{"stream_name": %q, "config": {"name": %q, "deliver_subject": %q, "headers_only": %t,
		"deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant"}}`, testStream, name, deliverTo, headersOnly)
}

// dial connects somebody who does as they like.
func dial(t *testing.T, url string, role natstest.Role) *nats.Conn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, role, ""); err != nil {
		t.Fatal(err)
	}
	return dialWith(t, url, path)
}

// dialWith connects whoever has a credentials file.
func dialWith(t *testing.T, url, path string) *nats.Conn {
	t.Helper()
	credentials, err := readCredentials(path, []string{url})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(url, credentials.option, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// operator connects to the bucket's account.
func operator(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	return jetStreamOf(t, dial(t, url, natstest.Operator))
}

func jetStreamOf(t *testing.T, conn *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// survey tells all streams of the bucket's account: how they are set up, and what is
// in them.
func survey(t *testing.T, js jetstream.JetStream) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var told strings.Builder
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		info.State.Consumers, info.TimeStamp, info.Cluster = 0, time.Time{}, nil
		text, err := json.Marshal(info)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&told, "%s\n", text)
	}
	if err := streams.Err(); err != nil {
		t.Fatal(err)
	}
	return told.String()
}
