package store

import "errors"

// approval is the user's word that an instance which a folder's file names may be
// used.
type approval struct {
	// Settings is a digest of the instance as it was approved.
	Settings string `json:"settings"`
}

// Approval returns the digest of the settings with which the user has approved an
// instance of a folder, or "".
func (tx *Tx) Approval(folder, instance string) (settings string, err error) {
	a, err := get[approval](tx, bucketApprovals, approvalKey(folder, instance))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return a.Settings, err
}

// RemoveApproval forgets the user's word about an instance of a folder.
func (tx *Tx) RemoveApproval(folder, instance string) error {
	return remove(tx, bucketApprovals, approvalKey(folder, instance))
}

// PutApproval notes that the user approves an instance of a folder with these
// settings.
func (tx *Tx) PutApproval(folder, instance, settings string) error {
	if !validKey(folder) || !validKey(instance) {
		return errInvalidID
	}
	return put(tx, bucketApprovals, approvalKey(folder, instance), approval{settings})
}
