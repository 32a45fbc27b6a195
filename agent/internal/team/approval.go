package team

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// needsApproval reports whether the user has yet to say that an instance may be
// used.
func needsApproval(tx *store.Tx, in Instance, trusted bool) (bool, error) {
	if trusted {
		return false, nil
	}
	approved, err := tx.Approval(in.Folder, in.ID)
	return approved != digest(in), err
}

// Approve remembers that the user lets an instance of a folder be used, as it is
// now: other settings need another approval.
func Approve(tx *store.Tx, in Instance) error { return tx.PutApproval(in.Folder, in.ID, digest(in)) }

// Disapprove forgets that the user has let an instance of a folder be used.
func Disapprove(tx *store.Tx, in Instance) error { return tx.RemoveApproval(in.Folder, in.ID) }

// Offer names what a folder's file offers: this instance with these settings.
func Offer(in Instance) string { return in.Folder + "\n" + in.ID + "\n" + digest(in) }

// digest names the settings of an instance.
func digest(in Instance) string {
	settings, _ := json.Marshal(ToShared(in.Instance)) // strings and booleans always encode
	sum := sha256.Sum256(settings)
	return hex.EncodeToString(sum[:])
}
