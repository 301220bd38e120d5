from django.contrib import admin

from dashboard.models import Identity


@admin.register(Identity)
class IdentityAdmin(admin.ModelAdmin):
    """Whom the provider's subjects mean: an admin ties one to another account here."""

    list_display = ("subject", "issuer", "user", "created_at")
    list_select_related = ("user",)
    search_fields = ("=subject", "=user__username")
    autocomplete_fields = ("user",)
    show_full_result_count = False
