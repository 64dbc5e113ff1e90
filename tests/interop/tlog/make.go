package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// makeLog writes a log in the layout of C2SP tlog-tiles, all of it by Go's own packages.
func makeLog(dir, count string) error {
	size, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	secret, vkey, err := note.GenerateKey(rand.Reader, "go.example/log")
	if err != nil {
		return err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for place, index := range indexes {
			found[place] = stored[index]
		}
		return found, nil
	})
	bundles := map[string][]byte{}
	for at := int64(0); at < size; at++ {
		entry := []byte(fmt.Sprintf("entry %d of Go", at))
		more, err := tlog.StoredHashes(at, entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
		width := size - at>>height<<height
		if width > 1<<height {
			width = 1 << height
		}
		name := bundlePath(tlog.Tile{H: height, L: 0, N: at >> height, W: int(width)})
		bundles[name] = append(bundles[name], byte(len(entry)>>8), byte(len(entry)))
		bundles[name] = append(bundles[name], entry...)
	}
	for name, data := range bundles {
		if err := write(dir, name, data); err != nil {
			return err
		}
	}
	for _, t := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(t, reader)
		if err != nil {
			return err
		}
		if err := write(dir, path(t), data); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("go.example/log\n%d\n%s\n", size, root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	fmt.Println(vkey)
	return write(dir, "checkpoint", signed)
}

func write(dir, name string, data []byte) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
