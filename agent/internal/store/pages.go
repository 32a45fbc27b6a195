package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The layout of bbolt's file (go.etcd.io/bbolt/internal/common: page.go, meta.go,
// bucket.go, inode.go), in the byte order of the machine. bbolt takes it on trust:
// a page that is its own child makes it go round for ever, and a wrong count makes
// it ask for more memory than there is, which nothing can recover from. So the
// pages are looked at before bbolt follows them.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	metaSize    = 64 // behind the page's header
	headerSize  = 16 // of a page: id, flags, count, overflow
	elementSize = 16 // of an element in a page
	bucketSize  = 16 // of a bucket in its parent: root page, sequence

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketElement = 0x01

	// manyFree is the count in the header of a freelist that has its count in the
	// first element.
	manyFree = 0xFFFF

	minPageSize, maxPageSize = 1 << 9, 1 << 24

	// maxFileSize is far more than any number of accounts takes.
	maxFileSize = 1 << 30
)

// A pageFile is a file of bbolt's that is being looked at.
type pageFile struct {
	io.ReaderAt
	size, pageSize uint64

	root, freelist, limit uint64          // of the meta page in force; limit: one more than the last page
	seen                  map[uint64]bool // pages that are in use or free
}

// checkPages reports what is wrong with a file of bbolt's. Each page has one
// place, all that a page refers to lies within it or within the file, keys are in
// order, and buckets have no buckets in them.
func checkPages(file io.ReaderAt, size int64) error {
	if size > maxFileSize {
		return fmt.Errorf("the file has %d bytes", size)
	}
	p := &pageFile{ReaderAt: file, size: uint64(size), seen: map[uint64]bool{0: true, 1: true}}
	if err := p.readMeta(); err != nil {
		return err
	}
	if err := p.tree(p.root, span{}, true); err != nil {
		return err
	}
	return p.free()
}

// readMeta finds the meta page that bbolt would use: of the two, the newer one
// that is whole.
func (p *pageFile) readMeta() error {
	newest := uint64(0)
	for _, at := range p.metaOffsets() {
		buf := make([]byte, headerSize+metaSize)
		if _, err := p.ReadAt(buf, int64(at)); errors.Is(err, io.EOF) {
			continue
		} else if err != nil {
			return err
		}
		meta := buf[headerSize:]
		word := func(at int) uint64 { return binary.NativeEndian.Uint64(meta[at:]) }
		sum := fnv.New64a()
		sum.Write(meta[:metaSize-8])
		if binary.NativeEndian.Uint32(meta) != boltMagic || binary.NativeEndian.Uint32(meta[4:]) != boltVersion || word(56) != sum.Sum64() {
			continue
		}
		size := uint64(binary.NativeEndian.Uint32(meta[8:]))
		if at != 0 && at != size {
			continue
		}
		if size < minPageSize || size > maxPageSize || size&(size-1) != 0 || p.pageSize != 0 && size != p.pageSize {
			return fmt.Errorf("pages of %d bytes", size)
		}
		p.pageSize = size
		if transaction := word(48); p.limit == 0 || transaction > newest {
			newest, p.root, p.freelist, p.limit = transaction, word(16), word(32), word(40)
		}
	}
	switch {
	case p.pageSize == 0:
		return errors.New("neither of the first two pages is whole")
	case p.limit < 4 || p.limit > p.size/p.pageSize:
		return fmt.Errorf("the file has %d bytes, and should have %d pages", p.size, p.limit)
	}
	return nil
}

// metaOffsets are the places where a meta page may begin: the second one comes
// after a page, whatever its size.
func (p *pageFile) metaOffsets() []uint64 {
	offsets := []uint64{0}
	for size := uint64(minPageSize); size <= maxPageSize && size < p.size; size <<= 1 {
		offsets = append(offsets, size)
	}
	return offsets
}

// A page is one with its overflow pages.
type page struct {
	data  []byte
	flags uint16
	count int
}

// read reads a page that nothing else has referred to.
func (p *pageFile) read(id uint64) (page, error) {
	if id >= p.limit {
		return page{}, fmt.Errorf("page %d is beyond the end", id)
	}
	header := make([]byte, headerSize)
	if _, err := p.ReadAt(header, int64(id*p.pageSize)); err != nil {
		return page{}, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(header[12:]))
	if found := binary.NativeEndian.Uint64(header); found != id || overflow >= p.limit-id {
		return page{}, fmt.Errorf("page %d says that it is page %d and has %d more", id, found, overflow)
	}
	for one := id; one <= id+overflow; one++ {
		if err := p.take(one); err != nil {
			return page{}, err
		}
	}
	data := make([]byte, (overflow+1)*p.pageSize)
	if _, err := p.ReadAt(data, int64(id*p.pageSize)); err != nil {
		return page{}, err
	}
	return asPage(data), nil
}

// take notes that a page has its place.
func (p *pageFile) take(id uint64) error {
	if id >= p.limit || p.seen[id] {
		return fmt.Errorf("page %d is in two places, or beyond the end", id)
	}
	p.seen[id] = true
	return nil
}

// asPage reads the header of a page, which data has.
func asPage(data []byte) page {
	return page{data, binary.NativeEndian.Uint16(data[8:]), int(binary.NativeEndian.Uint16(data[10:]))}
}

// A span is the keys that a page may have: from the first to before the last.
// nil is no bound.
type span struct{ from, to []byte }

func (s span) has(key []byte) bool {
	return bytes.Compare(key, s.from) >= 0 && (s.to == nil || bytes.Compare(key, s.to) < 0)
}

// tree looks at a page and all below it. top is whether it is of the tree whose
// keys are the names of buckets.
func (p *pageFile) tree(id uint64, keys span, top bool) error {
	page, err := p.read(id)
	if err != nil {
		return err
	}
	elements, err := page.elements(keys)
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	switch {
	case page.flags == leafPage:
		for _, e := range elements {
			if err := p.leaf(e, top); err != nil {
				return fmt.Errorf("page %d: %w", id, err)
			}
		}
		return nil
	case page.flags != branchPage || len(elements) == 0:
		return fmt.Errorf("page %d is none of a tree", id)
	}
	for i, e := range elements {
		below := span{e.key, keys.to}
		if i+1 < len(elements) {
			below.to = elements[i+1].key
		}
		if err := p.tree(e.child, below, top); err != nil {
			return err
		}
	}
	return nil
}

// leaf looks at an element of a leaf page: a bucket at the top, a record below.
func (p *pageFile) leaf(e element, top bool) error {
	switch {
	case (e.flags == bucketElement) != top || e.flags&^bucketElement != 0:
		return fmt.Errorf("the flags of a record are %#x", e.flags)
	case !top:
		return nil
	case len(e.value) < bucketSize:
		return errors.New("a bucket is cut short")
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		return p.tree(root, span{}, false)
	}
	if len(e.value) < bucketSize+headerSize {
		return errors.New("a bucket without a page has none within")
	}
	inline := asPage(e.value[bucketSize:]) // small buckets have their page in place of its number
	if inline.flags != leafPage {
		return errors.New("the page within a bucket is no leaf")
	}
	elements, err := inline.elements(span{})
	if err != nil {
		return err
	}
	for _, e := range elements {
		if err := p.leaf(e, false); err != nil {
			return err
		}
	}
	return nil
}

// An element is one of a branch page, with its child, or of a leaf page.
type element struct {
	key, value []byte
	flags      uint32
	child      uint64
}

// elements reads the elements of a page, whose keys are to be in a span.
func (p page) elements(keys span) ([]element, error) {
	if headerSize+p.count*elementSize > len(p.data) {
		return nil, fmt.Errorf("%d elements have no room", p.count)
	}
	list := make([]element, p.count)
	for i := range list {
		e := p.data[headerSize+i*elementSize:]
		number := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(e[at:])) }
		position, keySize, valueSize := number(0), number(4), uint64(0)
		if p.flags == leafPage {
			position, keySize, valueSize = number(4), number(8), number(12)
			list[i].flags = uint32(number(0))
		} else {
			list[i].child = binary.NativeEndian.Uint64(e[8:])
		}
		if position+keySize+valueSize > uint64(len(e)) || keySize == 0 {
			return nil, fmt.Errorf("element %d is not within the page", i)
		}
		list[i].key = e[position : position+keySize]
		list[i].value = e[position+keySize : position+keySize+valueSize]
		if !keys.has(list[i].key) || i > 0 && bytes.Compare(list[i-1].key, list[i].key) >= 0 {
			return nil, fmt.Errorf("element %d is not in order", i)
		}
	}
	return list, nil
}

// free looks at the list of free pages, which the next transaction writes over.
func (p *pageFile) free() error {
	page, err := p.read(p.freelist)
	if err != nil {
		return err
	}
	ids, count := page.data[headerSize:], uint64(page.count)
	if count == manyFree {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if page.flags != freelistPage || count > uint64(len(ids)/8) {
		return fmt.Errorf("page %d is no list of %d free pages", p.freelist, count)
	}
	for i := range count {
		if err := p.take(binary.NativeEndian.Uint64(ids[i*8:])); err != nil {
			return err
		}
	}
	return nil
}
