"""The calls that answer to an access token, or to anybody, and never to a session."""

from endpoints.actions import actions
from endpoints.assignments import assignments
from endpoints.call_list import call_list
from endpoints.config import config
from endpoints.config_values import config_values
from endpoints.experiments import experiments
from endpoints.health import health
from endpoints.metadata import metadata
from endpoints.outcomes import outcomes
from endpoints.predict import predict

TOKEN_ONLY = (predict, outcomes, actions, assignments, experiments, call_list, config, config_values, health, metadata)
