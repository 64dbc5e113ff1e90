// Command tlog is the other side of test_tlog.py: logs made and judged by the packages behind Go's checksum database.
//
//	tlog make DIR SIZE                  a log of SIZE entries: prints its verifier key
//	tlog verify DIR VKEY [COSIGNER]     every tile, entry, inclusion proof and some consistency proofs of a log
//	tlog inclusion FILE VKEY            a C2SP tlog-proof with its entry in it
//	tlog consistency FILE VKEY OLDROOT  the body of an add-checkpoint request
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		log.Fatal("see the comment of this command")
	}
	var err error
	switch os.Args[1] {
	case "make":
		err = makeLog(os.Args[2], os.Args[3])
	case "verify":
		err = verify(os.Args[2], os.Args[3:])
	case "inclusion":
		err = inclusion(os.Args[2], os.Args[3])
	case "consistency":
		err = consistency(os.Args[2], os.Args[3], os.Args[4])
	default:
		err = errors.New("no such command")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// path is where C2SP tlog-tiles keeps a tile: Go's own layout names the height, too.
func path(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
}

func bundlePath(t tlog.Tile) string {
	return strings.Replace(path(t), "tile/0/", "tile/entries/", 1)
}

// cosigner verifies cosignature/v1 of c2sp.org/tlog-cosignature.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("no key of a cosigner")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		return nil, errors.New("no Ed25519 key of a cosigner")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	if fmt.Sprintf("%x", sum[:4]) != parts[1] {
		return nil, errors.New("another id than that of the key")
	}
	return &cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), raw[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig[:8]), msg)
	return ed25519.Verify(c.key, []byte(signed), sig[8:])
}

// open checks the signatures of all keys and reads the checkpoint.
func open(data []byte, vkeys []string) (tlog.Tree, error) {
	var tree tlog.Tree
	var known []note.Verifier
	for place, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if place > 0 {
			verifier, err = newCosigner(vkey)
		}
		if err != nil {
			return tree, err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(known...))
	if err != nil {
		return tree, err
	}
	if len(opened.Sigs) != len(known) {
		return tree, fmt.Errorf("%d of %d keys signed", len(opened.Sigs), len(known))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != known[0].Name() {
		return tree, errors.New("no checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// folder reads tiles; tlog checks each of them against the head.
type folder string

func (f folder) Height() int                         { return height }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), path(t)))
		if errors.Is(err, os.ErrNotExist) && t.W < 1<<height {
			whole := t
			whole.W = 1 << height
			if data, err = os.ReadFile(filepath.Join(string(f), path(whole))); err == nil {
				data = data[:t.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func verify(dir string, vkeys []string) error {
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(data, vkeys)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, folder(dir))
	entries, err := readEntries(dir, tree.N)
	if err != nil {
		return err
	}
	for at, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(at), hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(at), tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", at, err)
		}
	}
	for old := int64(1); old <= tree.N; old += 1 + tree.N/50 {
		before, err := tlog.TreeHash(old, hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, old, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, before); err != nil {
			return err
		}
	}
	fmt.Println(len(entries))
	return nil
}

func readEntries(dir string, size int64) ([][]byte, error) {
	var entries [][]byte
	for int64(len(entries)) < size {
		at := int64(len(entries))
		width := size - at
		if width > 1<<height {
			width = 1 << height
		}
		t := tlog.Tile{H: height, L: 0, N: at >> height, W: int(width)}
		data, err := os.ReadFile(filepath.Join(dir, bundlePath(t)))
		if err != nil {
			return nil, err
		}
		for ; width > 0; width-- {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, errors.New("a bundle is cut short")
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			entries = append(entries, data[2:end])
			data = data[end:]
		}
		if len(data) > 0 {
			return nil, errors.New("a bundle has more than its entries")
		}
	}
	return entries, nil
}

func inclusion(file, vkey string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no tlog-proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	proof, err := parseHashes(lines[3:])
	if err != nil {
		return err
	}
	tree, err := open(signed, []string{vkey})
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func consistency(file, vkey, oldRoot string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, _ := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		return err
	}
	proof, err := parseHashes(lines[1:])
	if err != nil {
		return err
	}
	tree, err := open(signed, []string{vkey})
	if err != nil {
		return err
	}
	before, err := tlog.ParseHash(oldRoot)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old, before)
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}
