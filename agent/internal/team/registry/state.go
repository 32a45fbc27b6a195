package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxRecords bounds the instances of a bucket. Of one that has more nothing is taken:
// what is left out would look as if it were withdrawn.
const maxRecords = 1000

var errTooMany = errors.New("the bucket has too many records")

// bucketState is what a watch has told so far.
type bucketState struct {
	bucket   string
	sequence uint64
	entries  map[string]Entry // by the instance's id
	keys     map[string]bool  // all, also of what was deleted and of what is no instance
}

// newState begins a state of a bucket. What was there before its first message is
// gone, which no message says.
func newState(info *jetstream.StreamInfo) bucketState {
	state := bucketState{bucket: identify(info), entries: make(map[string]Entry), keys: make(map[string]bool)}
	if first := info.State.FirstSeq; first > 0 {
		state.sequence = first - 1
	}
	return state
}

func (s *bucketState) snapshot() Snapshot {
	list := slices.Collect(maps.Values(s.entries))
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return Snapshot{Bucket: s.bucket, Sequence: s.sequence, Entries: list}
}

// isOf reports whether the state can be one of the bucket that the server has: it is
// not when the bucket was made anew, when it was restored and so has gone back, and
// when something was purged, which no message says either.
func (s *bucketState) isOf(info *jetstream.StreamInfo) bool {
	if identify(info) != s.bucket || info.State.LastSeq < s.sequence {
		return false
	}
	for _, e := range s.entries {
		if info.State.LastSeq == s.sequence && e.Revision < info.State.FirstSeq {
			return false
		}
	}
	return true
}

// errNoLeader says that the servers of a cluster have nobody to decide.
var errNoLeader = errors.New("the bucket has no leader")

// ask asks the server for the bucket's stream. A server that is left alone by the others
// of its cluster answers that it has one as before, and says beside it that nobody leads:
// it returns errNoLeader then.
func ask(ctx context.Context, kv jetstream.KeyValue) (*jetstream.StreamInfo, error) {
	status, err := kv.Status(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, jetstream.ErrBucketNotFound
	}
	if err != nil {
		return nil, err
	}
	bucket, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return nil, fmt.Errorf("registry: the state of a bucket is a %T", status)
	}
	info := bucket.StreamInfo()
	if info.Cluster != nil && info.Cluster.Leader == "" {
		return nil, errNoLeader
	}
	return info, nil
}

// identify tells a bucket from others by the moment at which its stream was made.
func identify(info *jetstream.StreamInfo) string {
	return strings.TrimPrefix(info.Config.Name, "KV_") + "@" + info.Created.UTC().Format(time.RFC3339Nano)
}
