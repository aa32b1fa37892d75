"""A bundle as a Kaggle model: the requests."""

from pathlib import Path
from typing import Any

from science_exam.errors import KaggleError
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.datasets import PAGE, READY, Remote
from science_exam.kaggle.uploading.messages import explain_reason

FRAMEWORK, VARIATION, LICENCE = "transformers", "default", "Other"
GROUP = "models.model_api_client"


class Model:
    """One variation of a model, as a `Place`; its ref is owner/slug/transformers/default."""

    def __init__(self, client: Client, owner: str, slug: str) -> None:
        """
        Args:
            client: of someone who is logged in.
            owner: user name.
            slug: of the model.
        """
        self._client, self._owner, self._slug = client, owner, slug
        self.ref = f"{owner}/{slug}/{FRAMEWORK}/{VARIATION}"

    def find(self) -> Remote | None:
        """What there is; None for nothing. A version is ready as soon as it is there."""
        from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest

        request = self._name(ApiGetModelInstanceRequest())
        there = self._client.find(f"model {self.ref}", lambda: self._call("get_model_instance", request))
        return Remote(there.version_number, READY) if there else None

    def create(self, folder: Path) -> None:
        """Make the model, private, and its variation with a folder's files."""
        from kagglesdk.models.types import model_api_service as types

        model = types.ApiGetModelRequest()
        model.owner_slug, model.model_slug = self._owner, self._slug
        if self._client.find(f"model {self._slug}", lambda: self._call("get_model", model)) is None:
            new = types.ApiCreateModelRequest()
            new.owner_slug, new.slug, new.is_private = self._owner, self._slug, True
            new.title = self._slug.replace("-", " ").capitalize()
            self._check(self._call("create_model", new))
        request = types.ApiCreateModelInstanceRequest()
        request.owner_slug, request.model_slug = self._owner, self._slug
        request.body = types.ApiCreateModelInstanceRequestBody()
        request.body.framework = self._find_framework()
        request.body.instance_slug, request.body.license_name = VARIATION, LICENCE
        self._upload(request.body, folder)
        self._check(self._call("create_model_instance", request))

    def add_version(self, folder: Path, notes: str) -> None:
        """Upload a folder's files as the next version."""
        self._check(self._client.api.model_instance_version_create(self.ref, str(folder), notes, quiet=True))

    def list_names(self, version: int) -> set[str]:
        """Names of the files that have arrived."""
        from kagglesdk.models.types.model_api_service import ApiListModelInstanceVersionFilesRequest

        request = self._name(ApiListModelInstanceVersionFilesRequest())
        request.version_number, request.page_size = version, PAGE
        names: set[str] = set()
        while True:
            answer = self._client.ask(
                f"files of model {self.ref}", lambda: self._call("list_model_instance_version_files", request)
            )
            names |= {file.name for file in answer.files}
            if not answer.next_page_token:
                return names
            request.page_token = answer.next_page_token

    def _upload(self, body: Any, folder: Path) -> None:
        from kaggle.api.kaggle_api_extended import ApiBlobType, ResumableUploadContext

        body.files = []
        with ResumableUploadContext() as context:
            self._client.api.upload_files(body, None, str(folder), ApiBlobType.MODEL, context, quiet=True)

    def _name(self, request: Any) -> Any:
        """A request with the variation's name in it."""
        request.owner_slug, request.model_slug = self._owner, self._slug
        request.framework, request.instance_slug = self._find_framework(), VARIATION
        return request

    def _find_framework(self) -> Any:
        from kagglesdk.models.types.model_enums import ModelFramework

        return ModelFramework[f"MODEL_FRAMEWORK_{FRAMEWORK.upper()}"]

    def _call(self, method: str, request: Any) -> Any:
        return self._client.call(GROUP, method, request)

    def _check(self, answer: Any) -> None:
        if answer.error:
            raise KaggleError(self._client.redact(explain_reason(f"model {self.ref}", answer.error)))
