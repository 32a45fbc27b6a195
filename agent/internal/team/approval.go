package team

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// lookUpApproval notes whether the user has yet to say that an instance may be used.
func (in *Instance) lookUpApproval(tx *store.Tx, trusted bool) error {
	if trusted {
		return nil
	}
	approved, err := tx.Approval(in.Folder, in.ID)
	in.NeedsApproval = approved != digest(*in)
	in.HasChanged = in.NeedsApproval && approved != ""
	return err
}

// Approve remembers that the user lets an instance of a folder be used, as it is
// now: other settings need another approval.
func Approve(tx *store.Tx, in Instance) error { return tx.PutApproval(in.Folder, in.ID, digest(in)) }

// Disapprove forgets that the user has let an instance of a folder be used.
func Disapprove(tx *store.Tx, in Instance) error { return tx.RemoveApproval(in.Folder, in.ID) }

// Offer names what a folder's file offers: this instance with these settings.
func Offer(in Instance) string { return hash([]byte(in.Folder + "\n" + in.ID + "\n" + digest(in))) }

// digest names the settings of an instance. The name that people read is none of
// them, as in [differences]: to be called something else asks nobody anew.
func digest(in Instance) string {
	shared := ToShared(in.Instance)
	shared.Name = ""
	settings, _ := json.Marshal(shared) // strings and booleans always encode
	return hash(settings)
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Untrusted is the error for an instance that a file in the workspace offers, and
// that the user has not let be used.
func Untrusted(in Instance) *protocol.Error {
	return &protocol.Error{
		Code:     protocol.Untrusted,
		Message:  in.ID + " is named by " + in.Origin + ", and you have not let it be used",
		Hint:     "Sign in with gitlabSM/authenticate: you are asked then. Or trust the workspace in the editor.",
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{File: in.Origin},
	}
}
