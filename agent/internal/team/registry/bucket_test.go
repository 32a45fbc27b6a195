package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// shared starts a registry with a maintainer who has published an instance, a member
// who has seen it, and an operator.
func shared(t *testing.T, name string) (url string, maintainer, sam *member, js jetstream.JetStream) {
	t.Helper()
	url = startServer(t, natstest.Options{Operator: true}).URL
	maintainer = join(t, url, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitProblem()
	maintainer.publish(entry(name), 0)
	sam = join(t, url, natstest.Member, natstest.TeamKey)
	sam.awaitNamed(name)
	return url, maintainer, sam, operator(t, url)
}

// remake deletes the bucket and makes it anew, while everybody is connected.
func remake(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	stream, err := js.Stream(t.Context(), testStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), testStream); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
}

// TestABucketMadeAnewIsAnother, also where its revisions are the same as those of the
// one that is gone.
func TestABucketMadeAnewIsAnother(t *testing.T) {
	t.Parallel()
	_, maintainer, sam, js := shared(t, "first")
	before := maintainer.awaitSnapshot("the first", func(s Snapshot) bool { return isNamed("first")(s.Entries) })
	remake(t, js)
	after := sam.awaitSnapshot("another identity", func(s Snapshot) bool { return s.Bucket != before.Bucket })
	if len(after.Entries) != 0 || after.Sequence != 0 {
		t.Errorf("an empty bucket is %+v", after)
	}
	seen := Version{before.Bucket, before.Sequence}
	now, err := maintainer.Publish(t.Context(), entry("second"), seen)
	if err != nil || now.Revision != before.Sequence || now.Bucket != after.Bucket {
		t.Fatalf("a publication into the new bucket is answered %+v, %v", now, err)
	}
	sam.awaitNamed("second")
	// The revision is the same, and what there is was not seen.
	if _, err := maintainer.Publish(t.Context(), entry("third"), seen); !errors.Is(err, protocol.Conflict) {
		t.Errorf("a publication over a revision of the old bucket is answered %v, want Conflict", err)
	}
	if _, err := maintainer.Withdraw(t.Context(), testID, seen); !errors.Is(err, protocol.Conflict) {
		t.Errorf("a withdrawal of a revision of the old bucket is answered %v, want Conflict", err)
	}
	if _, err := maintainer.Withdraw(t.Context(), "https://other.example.com", seen); err != nil {
		t.Errorf("a withdrawal of what only the old bucket had is answered %v", err)
	}
	if _, err := maintainer.Withdraw(t.Context(), testID, now); err != nil {
		t.Errorf("a withdrawal is answered %v", err)
	}
	sam.await("nothing", func(entries []Entry) bool { return len(entries) == 0 })
}

// TestABucketThatIsGone is a registry that is away, and is made again by whoever
// publishes next, by whatever revision they have seen.
func TestABucketThatIsGone(t *testing.T) {
	t.Parallel()
	_, maintainer, sam, js := shared(t, "first")
	before := maintainer.awaitSnapshot("the first", func(s Snapshot) bool { return isNamed("first")(s.Entries) })
	if err := js.DeleteStream(t.Context(), testStream); err != nil {
		t.Fatal(err)
	}
	if problem := sam.awaitProblem(); problem.Details.Cause != "bucket" {
		t.Errorf("the problem is %+v of cause %q, want that there is no bucket", problem, problem.Details.Cause)
	}
	for _, seen := range []Version{{before.Bucket, before.Sequence}, {Revision: 7}} {
		if _, err := maintainer.Withdraw(t.Context(), testID, seen); err != nil {
			t.Errorf("a withdrawal out of no bucket is answered %v", err)
		}
	}
	if _, err := maintainer.Publish(t.Context(), entry("second"), Version{before.Bucket, before.Sequence}); err != nil {
		t.Fatal(err)
	}
	sam.awaitNamed("second")
	if err := js.DeleteStream(t.Context(), testStream); err != nil {
		t.Fatal(err)
	}
	if _, err := maintainer.Publish(t.Context(), entry("third"), Version{Revision: 7}); err != nil {
		t.Errorf("by a revision of no known bucket it is answered %v", err)
	}
	sam.awaitNamed("third")
}

// TestAPurgeIsNoticed: no message says that there was one.
func TestAPurgeIsNoticed(t *testing.T) {
	t.Parallel()
	_, _, sam, js := shared(t, "first")
	stream, err := js.Stream(t.Context(), testStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := sam.awaitSnapshot("nothing", func(s Snapshot) bool { return len(s.Entries) == 0 })
	if got.Sequence != 1 {
		t.Errorf("the empty state has the sequence %d: it is older than that of revision 1", got.Sequence)
	}
}

// TestTheSequenceGrows with each change, also with a withdrawal and with a key that is
// no instance's, and is the same for whoever comes later.
func TestTheSequenceGrows(t *testing.T) {
	t.Parallel()
	url, maintainer, sam, js := shared(t, "first")
	maintainer.publish(entry("second"), 1)
	sam.awaitSnapshot("the second", func(s Snapshot) bool { return s.Sequence == 2 })
	if _, err := maintainer.Withdraw(t.Context(), testID, Version{Revision: 2}); err != nil {
		t.Fatal(err)
	}
	withdrawn := sam.awaitSnapshot("the withdrawal", func(s Snapshot) bool { return s.Sequence == 3 })
	if len(withdrawn.Entries) != 0 {
		t.Errorf("after the withdrawal there is %+v", withdrawn.Entries)
	}
	if _, err := js.Publish(t.Context(), "$KV."+testBucket+".settings", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	sam.awaitSnapshot("a key of no instance", func(s Snapshot) bool { return s.Sequence == 4 })
	late := join(t, url, natstest.Member, natstest.TeamKey)
	got := late.awaitSnapshot("anything", func(Snapshot) bool { return true })
	if got.Sequence != 4 || len(got.Entries) != 0 || got.Bucket != withdrawn.Bucket {
		t.Errorf("whoever comes later sees %+v", got)
	}
}

// TestNothingIsKeptOfWhatWasBefore: with a team key that has leaked, older revisions
// would still open. A bucket of an earlier agent keeps five; it is mended with the
// next write, and all else of it stays.
func TestNothingIsKeptOfWhatWasBefore(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*member, Version) error{
		"Publish": func(m *member, seen Version) error {
			_, err := m.Publish(m.ctx, entry("rotated"), seen)
			return err
		},
		"Withdraw": func(m *member, seen Version) error {
			_, err := m.Withdraw(m.ctx, testID, seen)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := startServer(t, natstest.Options{Operator: true}).URL
			js := operator(t, url)
			old := jetstream.KeyValueConfig{Bucket: testBucket, History: 5, Storage: jetstream.FileStorage, MaxBytes: 1 << 20}
			kv, err := js.CreateKeyValue(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			value, err := encode(entry("first"), ourKey)
			if err != nil {
				t.Fatal(err)
			}
			var revision uint64
			for range 3 {
				if revision, err = kv.Put(t.Context(), keyOf(testID), value); err != nil {
					t.Fatal(err)
				}
			}
			rotated := join(t, url, natstest.Maintainer, natstest.OtherTeamKey)
			if err := write(rotated, Version{Revision: revision}); err != nil {
				t.Fatal(err)
			}
			history, err := kv.History(t.Context(), keyOf(testID))
			if err != nil || len(history) != 1 || history[0].Revision() != revision+1 {
				t.Errorf("the bucket still has %v, %v", history, err)
			}
			stream, err := js.Stream(t.Context(), testStream)
			if err != nil {
				t.Fatal(err)
			}
			if config := stream.CachedInfo().Config; config.MaxBytes != 1<<20 || config.MaxMsgsPerSubject != 1 {
				t.Errorf("the bucket has become %+v", config)
			}
		})
	}
}

// TestOneRevisionIsKept in a bucket that a maintainer makes.
func TestOneRevisionIsKept(t *testing.T) {
	t.Parallel()
	_, _, _, js := shared(t, "first")
	kv, err := js.KeyValue(t.Context(), testBucket)
	if err != nil {
		t.Fatal(err)
	}
	status, err := kv.Status(t.Context())
	if err != nil || status.History() != 1 {
		t.Errorf("it keeps %d, %v", status.History(), err)
	}
}

// TestABucketWithTooMuchIsLeftAlone: nothing of it is taken, since what were left out
// would count as withdrawn. It is read again once it has less.
func TestABucketWithTooMuchIsLeftAlone(t *testing.T) {
	t.Parallel()
	_, _, sam, js := shared(t, "first")
	value, err := json.Marshal(record{Version: recordVersion})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxRecords {
		key := keyOf(fmt.Sprintf("https://%d.example.com", i))
		if _, err := js.PublishAsync("$KV."+testBucket+"."+key, value); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	if problem := sam.awaitProblem(); problem.Code != protocol.RegistryUnavailable || problem.Details.Cause != "size" {
		t.Errorf("the problem is %+v of cause %q, want its size", problem, problem.Details.Cause)
	}
	kv, err := js.KeyValue(t.Context(), testBucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Delete(t.Context(), keyOf("https://0.example.com")); err != nil {
		t.Fatal(err)
	}
	sam.awaitConnection()
	sam.await("all that it may have", func(entries []Entry) bool { return len(entries) == maxRecords })
}
