package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// ModelPath names a model.
type ModelPath struct {
	Model string `path:"model" doc:"A model's id, or its name: endpoint-vN"`
}

func (a *API) modelRoutes() {
	const tag = "Models"
	handle(a, a.operation(http.MethodGet, "/models", "list-models", tag, "List the models of all endpoints", 200), a.listModels)
	handle(a, a.operation(http.MethodGet, "/endpoints/{endpoint}/models", "list-endpoint-models", tag, "List an endpoint's models", 200), a.listEndpointModels)
	handle(a, a.operation(http.MethodGet, "/models/{model}", "get-model", tag, "Show a model", 200), a.getModel)
	handle(a, a.operation(http.MethodPost, "/endpoints/{endpoint}/train", "train", tag, "Train a new version", 202), a.train)
	handle(a, a.operation(http.MethodPost, "/models/{model}/deploy", "deploy", tag, "Deploy a model", 202), a.deploy)
	for _, t := range []struct {
		trigger understudy.Trigger
		summary string
	}{
		{understudy.Undeploy, "Take a model off the stage"},
		{understudy.Evaluate, "Evaluate a model again"},
		{understudy.Retry, "Try the phase again that failed"},
		{understudy.Retire, "Retire a model and remove its artefacts"},
	} {
		verb := string(t.trigger)
		handle(a, a.operation(http.MethodPost, "/models/{model}/"+verb, verb, tag, t.summary, 202),
			func(ctx context.Context, in *ModelPath) (*body[wire.Model], error) {
				return a.act(ctx, in.Model, t.trigger)
			})
	}
}

func modelKey(m understudy.Model) string { return fmt.Sprintf("%s/%08d", m.Endpoint, m.Version) }

func (a *API) listModels(ctx context.Context, in *PageInput) (*body[wire.Page[wire.Model]], error) {
	list, err := a.DB.Models(ctx, understudy.ModelFilter{})
	if err != nil {
		return nil, err
	}
	return paged(*in, list, modelKey, inList), nil
}

func (a *API) listEndpointModels(ctx context.Context, in *struct {
	EndpointPath
	PageInput
}) (*body[wire.Page[wire.Model]], error) {
	if _, err := a.DB.Endpoint(ctx, in.Endpoint); err != nil {
		return nil, err
	}
	list, err := a.DB.Models(ctx, understudy.ModelFilter{Endpoint: in.Endpoint})
	if err != nil {
		return nil, err
	}
	return paged(in.PageInput, list, modelKey, inList), nil
}

var modelName = regexp.MustCompile(`^(.+)-v([0-9]{1,9})$`)

// model finds one by id or by name.
func (a *API) model(ctx context.Context, idOrName string) (understudy.Model, error) {
	if part := modelName.FindStringSubmatch(idOrName); part != nil {
		version, err := strconv.Atoi(part[2])
		if err != nil {
			return understudy.Model{}, err
		}
		return a.DB.ModelByVersion(ctx, part[1], version)
	}
	return a.DB.Model(ctx, idOrName)
}

func (a *API) getModel(ctx context.Context, in *ModelPath) (*body[wire.Model], error) {
	m, err := a.model(ctx, in.Model)
	if err != nil {
		return nil, err
	}
	return answer(modelOf(m)), nil
}

func (a *API) train(ctx context.Context, in *EndpointPath) (*body[wire.Model], error) {
	e, err := a.endpoint(ctx, in.Endpoint)
	if err != nil {
		return nil, err
	}
	train, _, err := a.DB.TeachingSince(ctx, e.Name, "")
	if err != nil {
		return nil, err
	}
	if train < understudy.MinFingerprintPairs {
		return nil, understudy.Errorf(understudy.Conflict, "endpoint %q has %d distinct requests to learn from, and a task needs at least %d: send more requests, or import conversations", e.Name, train, understudy.MinFingerprintPairs)
	}
	m, err := a.DB.CreateModel(ctx, 0, understudy.Model{Endpoint: e.Name})
	if err != nil {
		return nil, err
	}
	a.wrote(ctx, e.Name, m.ID)
	return answer(modelOf(m)), nil
}

// deploy records the wish; the lifecycle takes the stage when there is a slot.
func (a *API) deploy(ctx context.Context, in *struct {
	ModelPath
	Body *wire.DeployInput
}) (*body[wire.Model], error) {
	ask := wire.DeployInput{}
	if in.Body != nil {
		ask = *in.Body
	}
	m, err := a.model(ctx, in.Model)
	if err != nil {
		return nil, err
	}
	if _, err := m.Next(understudy.Deploy); err != nil {
		return nil, err
	}
	if m.Verdict != understudy.VerdictPassed && !ask.Force {
		why := "it has no verdict yet"
		if m.Verdict == understudy.VerdictRefused {
			why = "the gate refused it"
			if m.Reason != "" {
				why += " (" + m.Reason + ")"
			}
		}
		return nil, understudy.Errorf(understudy.Conflict, "%s has not passed: %s. Deploy it with force to put it on stage all the same", m.Name(), why)
	}
	if ask.By == "" {
		ask.By = "a person with the admin key"
	}
	m, err = a.DB.Save(ctx, 0, m, understudy.Ask(understudy.Deploy, ask.By))
	if err != nil {
		return nil, err
	}
	words := m.Name() + " is to be deployed"
	if m.Forced {
		words += ", forced by " + m.ForcedBy
	}
	a.event(ctx, "model.deploy", m.Endpoint, m.ID, words)
	a.wrote(ctx, m.ID)
	return answer(modelOf(m)), nil
}

// act carries a person's other wishes out.
func (a *API) act(ctx context.Context, idOrName string, t understudy.Trigger) (*body[wire.Model], error) {
	m, err := a.model(ctx, idOrName)
	if err != nil {
		return nil, err
	}
	if to, err := m.Next(t); err == nil && to == understudy.LLMEvaluation {
		if err := a.examIsWhole(ctx, m); err != nil {
			return nil, err
		}
	}
	if t == understudy.Undeploy && m.Phase == understudy.Available && m.Target == understudy.TargetDeployed {
		// It only waits for the stage: the wish is taken back.
		m, err = a.DB.Save(ctx, 0, m, understudy.Ask(t, ""))
	} else {
		m, err = a.DB.Move(ctx, 0, m, t, understudy.Ask(t, ""))
	}
	if err != nil {
		return nil, err
	}
	a.wrote(ctx, m.ID)
	return answer(modelOf(m)), nil
}

// examIsWhole refuses an exam that lost its requests, to retention or because
// they were deleted: the gate could only refuse what is left.
func (a *API) examIsWhole(ctx context.Context, m understudy.Model) error {
	e, err := a.DB.Endpoint(ctx, m.Endpoint)
	if err != nil {
		return err
	}
	left, err := a.DB.ExamPairs(ctx, m.ID)
	if err != nil || int(left) == m.EvalPairs || int(left) >= e.MinEvalPairs {
		return err
	}
	return understudy.Errorf(understudy.Conflict, "%d of the %d requests of %s's exam are left, %d are needed: the others were deleted or are past the retention. Train a new version",
		left, m.EvalPairs, m.Name(), e.MinEvalPairs)
}
