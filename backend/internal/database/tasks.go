package database

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// tasksScan bounds how many pairs Tasks looks at for its conversations.
const tasksScan = 4 * understudy.VarietySample

// Tasks returns the tasks of the endpoint's newest conversations that teach,
// one each, as each mode tells them apart. Requests that name their task
// themselves are left out.
func (d *DB) Tasks(ctx context.Context, endpoint string) (full, tools []string, err error) {
	seen := map[string]bool{}
	before := "~" // after every id
	for looked := 0; looked < tasksScan && len(seen) < understudy.VarietySample; looked += frozenPage {
		var rows []pairRow
		err := d.reader(ctx).Select("id", "conversation", "fingerprint", "request").
			Where("endpoint = ? AND teaches AND id < ?", endpoint, before).Order("id DESC").Limit(frozenPage).Find(&rows).Error
		if err != nil {
			return nil, nil, failed("read the tasks of "+endpoint, err)
		}
		for _, r := range rows {
			before = r.ID
			var c understudy.Chat
			if seen[r.Conversation] || len(seen) == understudy.VarietySample || json.Unmarshal([]byte(r.Request), &c) != nil {
				continue
			}
			f, t := c.TaskFingerprint(understudy.FingerprintFull, ""), c.TaskFingerprint(understudy.FingerprintTools, "")
			if r.Fingerprint != f && r.Fingerprint != t {
				continue
			}
			seen[r.Conversation] = true
			full, tools = append(full, f), append(tools, t)
		}
		if len(rows) < frozenPage {
			break
		}
	}
	return full, tools, nil
}

// NotePromptVaries stores that most of the endpoint's requests bring a system
// prompt of their own, with an event that says so. It is ErrStale where the
// endpoint's fingerprint is not auto any more, or that is known.
func (d *DB) NotePromptVaries(ctx context.Context, epoch int64, endpoint, message string) error {
	return d.tx(ctx, "note that the prompts of "+endpoint+" vary", func(tx *gorm.DB) error {
		if err := d.leads(tx, epoch); err != nil {
			return err
		}
		done := tx.Exec("UPDATE endpoints SET prompt_varies = TRUE, generation = generation + 1, updated_at = ? WHERE name = ? AND fingerprint = ? AND NOT prompt_varies AND deleted_at IS NULL",
			d.now(), endpoint, understudy.FingerprintAuto)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return understudy.ErrStale
		}
		if _, err := raiseRoute(tx); err != nil {
			return err
		}
		return d.appendEvent(tx, understudy.Event{Kind: "endpoint.fingerprint", Endpoint: endpoint, Message: message})
	})
}
