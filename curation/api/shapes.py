"""The shapes of bodies, for the schema and to check what comes in. They never save."""

from rest_framework import serializers

from annotation.domain.vocabulary import WorkState
from curation.domain.formats import Format


class Dataset(serializers.Serializer):
    """A recipe over one or more projects. `recipe` left out is the default one."""

    slug = serializers.SlugField(max_length=100)
    name = serializers.CharField(max_length=200, trim_whitespace=False)
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=100_000, trim_whitespace=False
    )
    projects = serializers.ListField(
        child=serializers.CharField(max_length=100), min_length=1, max_length=1_000
    )
    recipe = serializers.DictField(required=False)


class Version(serializers.Serializer):
    dataset = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(choices=list(WorkState))
    digest = serializers.CharField(allow_null=True)
    identical_to = serializers.IntegerField(allow_null=True)
    counts = serializers.DictField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    built_at = serializers.DateTimeField(allow_null=True)


class VersionWithManifest(Version):
    recipe = serializers.DictField()
    manifest = serializers.DictField()


class NewExport(serializers.Serializer):
    format = serializers.ChoiceField(choices=list(Format))


class File(serializers.Serializer):
    path = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True)
    url = serializers.URLField()


class Export(serializers.Serializer):
    format = serializers.ChoiceField(choices=list(Format))
    state = serializers.ChoiceField(choices=list(WorkState))
    counts = serializers.DictField()
    files = File(many=True)
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    built_at = serializers.DateTimeField(allow_null=True)


def page_of(shape: type[serializers.Serializer], name: str) -> type[serializers.Serializer]:
    """The shape of one page of a list."""
    fields = {"results": shape(many=True), "next": serializers.URLField(allow_null=True)}
    return type(f"{name}Page", (serializers.Serializer,), fields)
