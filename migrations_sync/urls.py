from django.urls import path

from migrations_sync import views

urlpatterns = [path("migrations/", views.receive, name="webhook-intake")]
