from django.conf import settings
from django.db import models
from django.db.models import Q


class SavedView(models.Model):
    """A list of migrations under a name: the query of its address. Everybody sees a ``shared`` one.

    ``default``: what the bare address of the table opens; its owner's own one comes before the shared one.
    """

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)
    shared = models.BooleanField(default=False)
    default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="savedview_name"),
            models.UniqueConstraint(
                fields=["owner"], condition=Q(default=True, shared=False), name="savedview_own_default"
            ),
            models.UniqueConstraint(
                fields=["shared"], condition=Q(default=True, shared=True), name="savedview_shared_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name
