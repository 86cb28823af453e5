package database

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// frozenPage is how many pairs are in memory at a time, each up to 2 MiB.
const frozenPage = 100

// scanFactor bounds how many of an endpoint's pairs a freeze looks at: repeated
// prompts are passed over, but not for ever.
const scanFactor = 20

// jsonShare of a task's answers must be JSON for it to be a JSON task.
const jsonShare = 0.95

// candidate is what a freeze needs to know of a pair.
type candidate struct {
	id, fingerprint string
	json            bool
}

// Freeze chooses the model's data set, in place of one it had: the newest
// distinct prompts that teach and test, as many as size says, of tasks with at
// least MinFingerprintPairs train pairs; where the base does not know tools
// (tools false), without requests that have them. The choice depends on the
// stored pairs and on mode, which tells tasks apart, alone. No prompt and no
// conversation is on both sides. The gate's bound takes the requests that test
// as independent, which those of one conversation are not: one of each is
// taken, and others only where that gives fewer than size.MinEval. It stores the numbers, the data set's hash and the tasks in the model
// and is a compare-and-set as Save is. No pair at all is a Conflict.
func (d *DB) Freeze(ctx context.Context, epoch int64, m understudy.Model, size understudy.DataSize, tools bool, mode understudy.FingerprintMode) (understudy.Model, error) {
	next := m
	next.TaskMode = mode
	err := d.tx(ctx, "freeze the data set of "+m.Name(), func(tx *gorm.DB) error {
		if err := d.leads(tx, epoch); err != nil {
			return err
		}
		taken := newDistinct()
		eval, others, err := choose(tx, m.Endpoint, understudy.SplitEval, size.MaxEval, tools, mode, taken)
		if err != nil {
			return err
		}
		taken.other()
		train, _, err := choose(tx, m.Endpoint, understudy.SplitTrain, size.MaxTrain, tools, mode, taken)
		if err != nil {
			return err
		}
		next.Fingerprints, next.JSONTasks = tasksOf(train)
		if train = ofTasks(train, next.Fingerprints); len(train) == 0 {
			return understudy.Errorf(understudy.Conflict, "endpoint %q has no task with %d pairs to learn from", m.Endpoint, understudy.MinFingerprintPairs)
		}
		eval, others = ofTasks(eval, next.Fingerprints), ofTasks(others, next.Fingerprints)
		missing := min(size.MinEval, size.MaxEval) - len(eval)
		eval = append(eval, others[:max(0, min(missing, len(others)))]...)
		if err := storeFrozen(tx, m.ID, train, eval); err != nil {
			return err
		}
		h := sha256.New()
		if err := writeDataset(tx, m.ID, h); err != nil {
			return err
		}
		now := d.now()
		next.TrainPairs, next.EvalPairs = len(train), len(eval)
		next.DatasetSHA256, next.DataFrozenAt = hex.EncodeToString(h.Sum(nil)), &now
		if err := tx.Exec("UPDATE models SET frozen_broken = FALSE WHERE id = ?", m.ID).Error; err != nil {
			return err
		}
		return d.swap(tx, epoch, m, &next)
	})
	if err != nil {
		return understudy.Model{}, err
	}
	return next, nil
}

// distinct remembers prompts of this side, and prompts and conversations of
// the other.
type distinct struct{ here, there map[string]bool }

func newDistinct() *distinct { return &distinct{here: map[string]bool{}, there: map[string]bool{}} }

func (s *distinct) other() {
	s.there, s.here = s.here, map[string]bool{}
}

func (s *distinct) take(prompt, conversation string) bool {
	if s.here["p"+prompt] || s.there["p"+prompt] || s.there["c"+conversation] {
		return false
	}
	s.here["p"+prompt], s.here["c"+conversation] = true, true
	return true
}

// choose takes up to most pairs of a split, the newest first. Of those that
// test, only the first of each conversation is among them; others are apart.
func choose(tx *gorm.DB, endpoint string, split understudy.Split, most int, tools bool, mode understudy.FingerprintMode, seen *distinct) (out, others []candidate, err error) {
	before := "~" // after every id
	for looked := 0; len(out) < most && looked < scanFactor*most+frozenPage; looked += frozenPage {
		var rows []pairRow
		err := tx.Where("endpoint = ? AND split = ? AND teaches AND id < ?", endpoint, split, before).Order("id DESC").Limit(frozenPage).Find(&rows).Error
		if err != nil {
			return nil, nil, err
		}
		for _, r := range rows {
			if len(out) == most {
				break
			}
			before = r.ID
			another := split == understudy.SplitEval && seen.here["c"+r.Conversation]
			if another && len(others) == most {
				continue
			}
			chat, ok := trainable(r, tools)
			if !ok || !seen.take(r.Prompt, r.Conversation) {
				continue
			}
			c := candidate{id: r.ID, fingerprint: chat.Refingerprint(r.Fingerprint, mode), json: isJSON(r.AnswerText)}
			if another {
				others = append(others, c)
			} else {
				out = append(out, c)
			}
		}
		if len(rows) < frozenPage {
			break
		}
	}
	return out, others, nil
}

// trainable reads a request and reports whether it can be rendered for the
// base at all.
func trainable(r pairRow, tools bool) (c understudy.Chat, ok bool) {
	if json.Unmarshal([]byte(r.Request), &c) != nil || len(c.Messages) == 0 {
		return c, false
	}
	if r.AnswerText == "" && r.AnswerToolCalls == "" {
		return c, false
	}
	if tools {
		return c, true
	}
	present := func(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }
	return c, !present(c.Tools) && !present(c.Functions) && r.AnswerToolCalls == "" &&
		!slices.ContainsFunc(c.Messages, func(m understudy.Message) bool {
			return m.Role == "tool" || m.Role == "function" || present(m.ToolCalls)
		})
}

func isJSON(s string) bool {
	s = string(bytes.TrimSpace([]byte(s)))
	return s != "" && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

// tasksOf says which tasks are learnt from these pairs, sorted, and which of
// them answer in JSON.
func tasksOf(train []candidate) (tasks, jsonTasks []string) {
	all, asJSON := map[string]int{}, map[string]int{}
	for _, c := range train {
		all[c.fingerprint]++
		if c.json {
			asJSON[c.fingerprint]++
		}
	}
	for f, n := range all {
		if n < understudy.MinFingerprintPairs {
			continue
		}
		tasks = append(tasks, f)
		if float64(asJSON[f]) >= jsonShare*float64(n) {
			jsonTasks = append(jsonTasks, f)
		}
	}
	slices.Sort(tasks)
	slices.Sort(jsonTasks)
	return tasks, jsonTasks
}

func ofTasks(pairs []candidate, tasks []string) []candidate {
	return slices.DeleteFunc(pairs, func(c candidate) bool { return !slices.Contains(tasks, c.fingerprint) })
}

func storeFrozen(tx *gorm.DB, modelID string, train, eval []candidate) error {
	if err := tx.Exec("DELETE FROM model_pairs WHERE model_id = ?", modelID).Error; err != nil {
		return err
	}
	rows := make([]frozenRow, 0, len(train)+len(eval))
	for _, c := range train {
		rows = append(rows, frozenRow{modelID, c.id, string(understudy.SplitTrain)})
	}
	for _, c := range eval {
		rows = append(rows, frozenRow{modelID, c.id, string(understudy.SplitEval)})
	}
	return tx.CreateInBatches(rows, 1000).Error
}

type frozenRow struct {
	ModelID string `gorm:"primaryKey"`
	PairID  string `gorm:"primaryKey"`
	Split   string
}

func (frozenRow) TableName() string { return "model_pairs" }

// FrozenBroken reports whether a pair of the model's frozen set was deleted
// since Freeze: a running attempt must stop and freeze anew.
func (d *DB) FrozenBroken(ctx context.Context, modelID string) (bool, error) {
	return scalar[bool](d.reader(ctx), "read whether the data set is whole",
		"SELECT COALESCE((SELECT frozen_broken FROM models WHERE id = ?), FALSE)", modelID)
}

// ExamPairs counts the pairs of the model's frozen set that test and are still
// there.
func (d *DB) ExamPairs(ctx context.Context, modelID string) (int64, error) {
	return scalar[int64](d.reader(ctx), "count the exam's pairs",
		"SELECT COUNT(*) FROM model_pairs WHERE model_id = ? AND split = ?", modelID, understudy.SplitEval)
}

// EachFrozen hands on one side of the model's frozen set by pair id. All of it
// may be more than fits into memory: requests have up to a megabyte.
func (d *DB) EachFrozen(ctx context.Context, modelID string, split understudy.Split, f func(understudy.Pair) error) error {
	return failed("read the data set", eachFrozen(d.reader(ctx), modelID, split, f))
}

func eachFrozen(g *gorm.DB, modelID string, split understudy.Split, f func(understudy.Pair) error) error {
	for after := ""; ; {
		var rows []pairRow
		err := g.Where("id IN (SELECT pair_id FROM model_pairs WHERE model_id = ? AND split = ? AND pair_id > ? ORDER BY pair_id LIMIT ?)",
			modelID, split, after, frozenPage).Order("id").Find(&rows).Error
		if err != nil {
			return err
		}
		for _, r := range rows {
			p, err := r.domain()
			if err != nil {
				return err
			}
			if err := f(p); err != nil {
				return err
			}
			after = r.ID
		}
		if len(rows) < frozenPage {
			return nil
		}
	}
}

// WriteDataset writes what the model is trained on as JSONL, a line a pair by
// pair id: {"id", "messages" with the LLM's answer at the end, "tools" where
// there are any}. The bytes are the same each time, and DatasetSHA256 is
// theirs. A set that was broken since is a Conflict before the first byte.
func (d *DB) WriteDataset(ctx context.Context, modelID string, w io.Writer) error {
	return d.reader(ctx).Transaction(func(tx *gorm.DB) error {
		m, err := findModel(tx, "there is no model "+modelID, "id = ?", modelID)
		if err != nil {
			return err
		}
		if m.DataFrozenAt == nil {
			return understudy.Errorf(understudy.Conflict, "%s has no data set yet", m.Name())
		}
		broken, err := scalar[bool](tx, "read whether the data set is whole", "SELECT frozen_broken FROM models WHERE id = ?", modelID)
		if err != nil {
			return err
		}
		if broken {
			return understudy.Errorf(understudy.Conflict, "a pair of %s's data set was deleted; it is frozen anew", m.Name())
		}
		return failed("write the data set", writeDataset(tx, modelID, w))
	}, d.dialect.snapshot())
}

func writeDataset(g *gorm.DB, modelID string, w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return eachFrozen(g, modelID, understudy.SplitTrain, func(p understudy.Pair) error {
		line, err := datasetLineOf(p)
		if err != nil {
			return fmt.Errorf("pair %s: %w", p.ID, err)
		}
		return e.Encode(line)
	})
}

// datasetLine is ci/contract/trainer.json's.
type datasetLine struct {
	ID       string            `json:"id"`
	Messages []json.RawMessage `json:"messages"`
	Tools    json.RawMessage   `json:"tools,omitempty"`
}

func datasetLineOf(p understudy.Pair) (datasetLine, error) {
	var request struct {
		Messages []json.RawMessage `json:"messages"`
		Tools    json.RawMessage   `json:"tools"`
	}
	if err := json.Unmarshal(p.Request, &request); err != nil {
		return datasetLine{}, err
	}
	if len(request.Messages) == 0 {
		return datasetLine{}, errors.New("the request has no messages")
	}
	answer := struct {
		Role      string          `json:"role"`
		Content   *string         `json:"content"`
		ToolCalls json.RawMessage `json:"tool_calls,omitempty"`
	}{"assistant", &p.Answer.Text, p.Answer.ToolCalls}
	if p.Answer.Text == "" && len(p.Answer.ToolCalls) > 0 {
		answer.Content = nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		return datasetLine{}, err
	}
	line := datasetLine{ID: p.ID, Messages: append(request.Messages, bytes.TrimSpace(b.Bytes()))}
	if !bytes.Equal(request.Tools, []byte("null")) {
		line.Tools = request.Tools
	}
	return line, nil
}
