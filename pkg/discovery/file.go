package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// remembered is the file.
type remembered struct {
	Service  string                   `json:"service"`
	Prefix   string                   `json:"prefix"`
	Store    string                   `json:"store"`
	Revision int64                    `json:"revision"`
	Keys     map[string]rememberedKey `json:"keys"`
}

type rememberedKey struct {
	Revision int64  `json:"revision"`
	Value    string `json:"value"`
}

// maxFile bounds what is read: some thousand keys are a tenth of it.
const maxFile = 4 << 20

func (m *memory) load() error {
	file, err := os.Open(m.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return errors.New("the file is too large")
	}
	var found remembered
	if err := json.Unmarshal(text, &found); err != nil {
		return errors.New("the file is damaged") // the cause may repeat values
	}
	if found.Service != m.service || found.Prefix != m.prefix {
		return errors.New("the file is of another service or prefix")
	}
	m.store, m.revision = found.Store, found.Revision
	for key, value := range found.Keys {
		m.keys[key] = edit{revision: value.Revision, value: value.Value, recalled: true}
	}
	return nil
}

func (m *memory) encode() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	file := remembered{Service: m.service, Prefix: m.prefix, Store: m.store, Revision: m.revision, Keys: map[string]rememberedKey{}}
	for key, e := range m.keys {
		file.Keys[key] = rememberedKey{Revision: e.revision, Value: e.value}
	}
	return json.Marshal(file)
}

// write replaces the file at once: who reads it, and who loses power, has the old
// one or the new one.
func (m *memory) write() error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	folder := filepath.Dir(m.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	file, err := os.CreateTemp(folder, filepath.Base(m.path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), m.path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return err
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	opened, err := os.Open(folder) //nolint:gosec // the operator's own setting
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
