package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
	"understudy.dev/service/serve"
)

const (
	importBatch   = 500     // pairs an insert
	maxImportLine = 8 << 20 // bytes
	maxBrokenSaid = 100     // lines named in the result
)

func (a *API) importRoute(tag string) {
	op := a.operation(http.MethodPost, "/endpoints/{endpoint}/pairs:import", "import-pairs", tag, "Import conversations", 200)
	op.Description = "JSON lines in OpenAI's fine-tuning format: {\"messages\": [...]} with the assistant's answer as the last message, " +
		"optionally \"tools\", \"response_format\", \"user\", and \"source\" (llm, or slm for answers that must not teach). " +
		"Lines that are wrong are named and passed over; all others are imported, however long the body is."
	op.Parameters = []*huma.Param{{Name: "endpoint", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/jsonl": {Schema: &huma.Schema{Type: "string"}}}}
	op.Responses = map[string]*huma.Response{"200": {Description: "What came of it", Content: map[string]*huma.MediaType{
		"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(typeOf[wire.ImportResult](), true, "")}}}}
	a.stream(op, func(w http.ResponseWriter, r *http.Request, param func(string) string) {
		result, err := a.importPairs(r.Context(), param("endpoint"), r.Body)
		if err != nil {
			writeProblem(r.Context(), w, err)
			return
		}
		serve.JSON(w, http.StatusOK, result)
	})
}

// stream registers an operation whose body or answer is not held in memory.
func (a *API) stream(op huma.Operation, f func(w http.ResponseWriter, r *http.Request, param func(string) string)) {
	a.huma.OpenAPI().AddOperation(&op)
	a.huma.Adapter().Handle(&op, op.Middlewares.Handler(func(c huma.Context) {
		g := humagin.Unwrap(c)
		f(g.Writer, g.Request, g.Param)
	}))
}

func (a *API) importPairs(ctx context.Context, name string, from io.Reader) (wire.ImportResult, error) {
	e, err := a.endpoint(ctx, name)
	if err != nil {
		return wire.ImportResult{}, err
	}
	i := importer{api: a, endpoint: e, result: wire.ImportResult{Broken: []wire.BrokenLine{}}}
	defer func() {
		if i.result.Imported > 0 {
			a.wrote(ctx, name)
		}
	}()
	lines := bufio.NewReaderSize(from, 64<<10)
	for {
		line, tooLong, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return i.result, understudy.Errorf(understudy.Invalid, "the body broke off after line %d: %v; %d pairs were imported before", i.line, err, i.result.Imported)
		}
		if len(line) > 0 || tooLong || err == nil {
			i.line++
			i.take(line, tooLong)
		}
		if len(i.batch) == importBatch || err != nil {
			if err := i.flush(ctx); err != nil {
				return i.result, err
			}
		}
		if err != nil {
			break
		}
	}
	if i.result.Imported == 0 && i.result.BrokenN == 0 {
		return i.result, understudy.Errorf(understudy.Invalid, `the body has no lines; send JSON lines such as {"messages":[{"role":"user","content":"…"},{"role":"assistant","content":"…"}]}`)
	}
	return i.result, nil
}

// readLine returns a line without its end; of one that is too long, nothing.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxImportLine {
			line, tooLong = nil, true
		}
		if !tooLong {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return bytes.TrimRight(line, "\r\n"), tooLong, err
		}
	}
}

type importer struct {
	api      *API
	endpoint understudy.Endpoint
	line     int
	stored   int // the last line whose pairs are stored
	batch    []understudy.Pair
	result   wire.ImportResult
}

func (i *importer) take(line []byte, tooLong bool) {
	if i.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	if len(bytes.TrimSpace(line)) == 0 && !tooLong {
		return
	}
	var p understudy.Pair
	err := errors.New("it is longer than 8 MiB")
	if !tooLong {
		p, err = pairFromLine(i.endpoint, line)
	}
	if err == nil {
		p.CreatedAt = i.api.Now().UTC()
		i.batch = append(i.batch, p)
		return
	}
	i.result.BrokenN++
	if len(i.result.Broken) < maxBrokenSaid {
		i.result.Broken = append(i.result.Broken, wire.BrokenLine{Line: i.line, Error: err.Error()})
	}
}

func (i *importer) flush(ctx context.Context) error {
	if err := i.api.DB.InsertPairs(ctx, i.batch); err != nil {
		if i.stored > 0 {
			code := understudy.CodeOf(err)
			return &understudy.Error{Code: code, Message: understudy.Errorf(code, "lines 1 to %d are imported, the rest is not; import it again from line %d", i.stored, i.stored+1).Error(), Err: err}
		}
		return err
	}
	i.result.Imported += int64(len(i.batch))
	i.stored, i.batch = i.line, i.batch[:0]
	return nil
}
