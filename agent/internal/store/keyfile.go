package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

const (
	legacyKeyFile = "key"
	keyFilePrefix = "key-"
	newSuffix     = ".new" // of a key file that is being written
)

// keyFile is the path of a data key that lies in a file.
func (s *Store) keyFile(id keyID) string {
	if id == legacyKey {
		return filepath.Join(s.dir, legacyKeyFile)
	}
	return filepath.Join(s.dir, keyFilePrefix+id.String())
}

// hasKeyFile reports whether a data key's file is there.
func (s *Store) hasKeyFile(id keyID) bool {
	_, err := os.Lstat(s.keyFile(id))
	return !errors.Is(err, os.ErrNotExist)
}

// readKeyFile reads a data key. It returns ErrKeyLost where there is none.
func (s *Store) readKeyFile(id keyID) (dataKey, error) {
	path := s.keyFile(id)
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow|nonBlock, 0)
	if errors.Is(err, os.ErrNotExist) {
		return dataKey{}, ErrKeyLost
	}
	if err != nil {
		return dataKey{}, s.unusable(err)
	}
	defer file.Close()
	key := dataKey{id: id}
	buf := make([]byte, keySize+1)
	n, err := file.Read(buf)
	if n != keySize {
		if info, statErr := file.Stat(); statErr == nil && info.Mode().IsRegular() {
			return dataKey{}, ErrKeyLost
		}
		return dataKey{}, s.unusable(errors.Join(err, errors.New(path+" is no key file")))
	}
	copy(key.bytes[:], buf)
	return key, nil
}

// writeKeyFile puts a key in place in one step, so that a crash leaves none or a
// whole one.
func (s *Store) writeKeyFile(key dataKey) (err error) {
	path := s.keyFile(key.id)
	file, err := os.OpenFile(path+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(key.bytes[:])
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// removeKeyFile removes what there is of a key's file.
func (s *Store) removeKeyFile(id keyID) error {
	path := s.keyFile(id)
	for _, name := range []string{path, path + newSuffix} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncDir puts a rename on disk, so that no power cut leaves a sealed store
// without its key. Where a directory cannot be synced, as on Windows, the file
// system sees to that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return nil
}
